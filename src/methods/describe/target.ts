/** What a value may depend on: the model's family and the number of its decoder layers. */
export interface MethodTarget {
  family: string;
  layers: number;
}
