"""How many connections to Postgres can be open at once, at most. Jobs hold none: they know no database."""

from dataclasses import dataclass

from cdk.environments import Environment

# What Postgres is told to allow. The default of a t4g.small would be about 180, each of which may take some MiB of its
# 2 GiB; a third is left free for what a person does in an emergency.
MAX_CONNECTIONS = 45
BUDGET = 30

CONTROL_PLANE_POOL = 4
CONSUMER_POOL = 2
# A new version of the consumer waits until the old one is gone.
CONSUMER_TASKS = 1
# `python -m pipeline.database.migrate`, which runs in a task of its own kind before its API begins; others wait for it.
MIGRATIONS = 1
# psql and the like.
OPERATOR = 3


@dataclass(frozen=True)
class Holder:
    name: str
    processes: int
    connections_each: int

    @property
    def connections(self) -> int:
        return self.processes * self.connections_each


def holders(environment: Environment) -> tuple[Holder, ...]:
    return (
        Holder("control plane", environment.tasks.at_once, CONTROL_PLANE_POOL),
        Holder("consumer", CONSUMER_TASKS, CONSUMER_POOL),
        Holder("migrations", 1, MIGRATIONS),
        Holder("operator", 1, OPERATOR),
    )


def check_connections(environment: Environment) -> int:
    """The sum; raises `ValueError` with its parts where it is above `BUDGET`."""
    parts = holders(environment)
    total = sum(part.connections for part in parts)
    if total > BUDGET:
        said = ", ".join(f"{part.name} {part.processes} * {part.connections_each}" for part in parts)
        raise ValueError(f"{total} connections to Postgres at once, {BUDGET} are allowed: {said}")
    return total
