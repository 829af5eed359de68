"""The command `mgp analyse`: what codes, channels and layers know, in arrays and figures.

Its files follow those of `mgp_jax.analysis`.
"""

from mgp_jax.cli.analysis.ablation import AblatedCodes, RemovedObject
from mgp_jax.cli.analysis.contributions import CodesAlone, DimensionOfFeatures
from mgp_jax.cli.analysis.group import Analyse
from mgp_jax.cli.analysis.importances import Importances
from mgp_jax.cli.analysis.photographs import OfPhotographs, Subject
from mgp_jax.cli.analysis.quality import Domains, Layers, OfQuality
from mgp_jax.cli.analysis.writing import save_arrays, write_table

__all__ = [
    "AblatedCodes",
    "Analyse",
    "CodesAlone",
    "DimensionOfFeatures",
    "Domains",
    "Importances",
    "Layers",
    "OfPhotographs",
    "OfQuality",
    "RemovedObject",
    "Subject",
    "save_arrays",
    "write_table",
]
