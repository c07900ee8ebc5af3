"""Mini-COCO: small drawn scenes with COCO's class names, file formats and a strong language prior."""
