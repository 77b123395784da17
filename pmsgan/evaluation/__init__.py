"""How good a style is: the paper's metrics, its ablation table and its user study."""
