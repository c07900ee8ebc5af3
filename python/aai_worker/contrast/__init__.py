"""Contrasts, one file per method: from the logits of several streams to those that the search sees.

A contrast stands between the batch and the search (see `streams.py`), so every search works with every one.
Attention edits apply to the main stream only, as PAI's own code has it: an image-free stream has nothing to
edit, and a stream that is meant to see the image badly is not helped to look.
"""

from typing import Any

from .apc_only import ApcOnly
from .base import Contrast
from .deco import Deco
from .dola import Dola
from .icd import Icd
from .m3id import M3id
from .pai_cfg import PaiCfg
from .plugin import PluginContrast
from .sid import Sid
from .streams import ContrastRecord, Streams
from .vcd import Vcd

CONTRASTS: dict[str, type[Contrast]] = {
    "vcd": Vcd,
    "apcOnly": ApcOnly,
    "m3id": M3id,
    "paiCfg": PaiCfg,
    "icd": Icd,
    "dola": Dola,
    "deco": Deco,
    "sid": Sid,
    "plugin": PluginContrast,
}


def create_contrast(parameters: Any) -> Contrast:
    """`parameters`: one of the protocol's contrast structs."""
    return CONTRASTS[parameters.__struct_config__.tag](parameters)


__all__ = ["CONTRASTS", "Contrast", "ContrastRecord", "Streams", "create_contrast"]
