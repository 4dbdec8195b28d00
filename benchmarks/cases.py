"""What is measured against a server, over several rounds, and how it is shown beside the references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks import load, measure, servers


@dataclass(slots=True)
class Case:
    """
    One line of a result: *requests* of one *kind*, sent in turn until there were *count*.

    What is shown is the cost of one request, or of one of the *units* that all of them together are about.
    """

    server: servers.Server
    kind: str
    about: str
    requests: Sequence[load.Request]
    count: int
    units: int
    connections: int = load.CONNECTIONS
    costs: list[servers.Cost] = field(default_factory=list)

    def run(self) -> None:
        """Measure once."""
        self.costs.append(self.server.cost(self.requests, self.count, self.connections))

    def cost(self) -> servers.Cost:
        """Return the median of all rounds but the first, which warms up."""
        columns = zip(*((cost.server, cost.backends, cost.octets) for cost in self.costs[1:]), strict=True)
        return servers.Cost(*(measure.median(column) / self.units for column in columns))


def measure_all(cases: Sequence[Case], rounds: int) -> None:
    """Run all cases in turn, so that whatever else the machine does meets all of them."""
    for _ in range(rounds + 1):
        for case in cases:
            case.run()


def show(title: str, what: str, cases: Sequence[Case]) -> None:
    """Print what each case costs, and its ratio to the bare application and stock Radicale at the same request."""
    costs = [(case, case.cost()) for case in cases]
    references = {(case.server.name, case.kind): cost.server for case, cost in costs}
    rows = []
    for case, cost in costs:
        everything = cost.server + cost.backends
        rows.append(
            (
                ", ".join(filter(None, (case.server.name, case.kind, case.about))),
                f"{cost.octets:,.0f}",
                f"{cost.server * 1e3:.4f}",
                f"{cost.backends * 1e3:.4f}" if cost.backends else "",
                measure.ratio(cost.server, references[servers.BARE, case.kind]),
                measure.ratio(everything, references[servers.BARE, case.kind]),
                measure.ratio(references[servers.STOCK, case.kind], everything),
            )
        )
    heads = (what, "octets", "CPU ms", "+ database", "to bare", "with database", "stock to this")
    measure.show(title, heads, rows)
