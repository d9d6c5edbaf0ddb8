"""Notes of a report that come from what samplers say."""

from skexpand.bandwidth import NO_OBJECTION
from skexpand.evaluation.report import Report
from tests.evaluation.simulated_rows import simulate


def test_what_a_sampler_advises_against_is_a_note():
    rows, header = simulate({"none": 0, "ES": 0.05})
    said = {0: "Leave the data alone.", 1: "Leave the data alone."}
    rows = [
        row | {"advice": said.get(row["draw"], f"{NO_OBJECTION} to this.")}
        if row["sampler"] == "ES"
        else row
        for row in rows
    ]
    notes = [note for note in Report(rows, header).notes() if "said" in note]
    dataset, n = rows[0]["dataset"], rows[0]["n_per_class"]
    assert notes == [
        f"ES said of 2 of 5 draws of {dataset}, {n} per class: Leave the data alone."
    ]
