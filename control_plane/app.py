"""The wiring of the control plane: services, loops, middleware, errors, and a router per capability."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI

from control_plane.auth import open_verifier
from control_plane.background import Chore
from control_plane.cdn import routes as cdn
from control_plane.cross_origin import CrossOrigin
from control_plane.dispatch import dispatcher, terminations
from control_plane.documentation import FOR_JOBS, FOR_USERS, documented_app
from control_plane.events import consumer
from control_plane.events.queue import open_queue
from control_plane.failures import install_failures
from control_plane.health import routes as health
from control_plane.internal_jobs import part_routes as internal_parts
from control_plane.internal_jobs import routes as internal_jobs
from control_plane.jobs import routes as jobs
from control_plane.metrics import gauges
from control_plane.metrics import routes as metrics
from control_plane.metrics.requests import TimedRequests
from control_plane.omr import batch_routes as omr_batches
from control_plane.omr import sheet_routes as omr_sheets
from control_plane.omr import template_routes as omr_templates
from control_plane.reconciling import abandoned, statuses
from control_plane.reconciling.sweep import sweep
from control_plane.request_ids import RequestIds
from control_plane.services import Opener, Services
from control_plane.trailing_slash import TrailingSlash
from control_plane.videos import routes as videos
from control_plane.videos.complete import Completions
from control_plane.watch import routes as watch
from pipeline.settings import Settings

# What a process that is killed may take with it.
TELL_EVERY_S = 5.0


def create_app(settings: Settings, *, open_services: Opener) -> FastAPI:
    """The ASGI application; its services are opened when it starts, and closed when it stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with open_services(settings) as services:
            app.state.services = services
            app.state.completions = Completions()
            for chore in chores(services):
                services.background.start(chore)
            try:
                yield
            finally:
                await services.progress.close()

    app = documented_app(lifespan=lifespan)
    app.state.verifier = open_verifier(settings)
    install_failures(app)
    for routes in (videos, omr_templates, omr_batches, omr_sheets, jobs):
        app.include_router(routes.router, **FOR_USERS)
    for routes in (internal_jobs, internal_parts):
        app.include_router(routes.router, **FOR_JOBS)
    for routes in (health, metrics, cdn, watch):
        app.include_router(routes.router)
    app.add_middleware(TrailingSlash)
    app.add_middleware(RequestIds)
    # Outside of what answers an error that nobody expected: a page could not read that either.
    app.add_middleware(CrossOrigin)
    # Added last, it stands outermost.
    app.add_middleware(TimedRequests)
    return app


def chores(services: Services) -> tuple[Chore, ...]:
    """What goes on beside the requests."""
    settings = services.settings
    return (
        *hearing(services),
        *telling(services),
        Chore(gauges.NAME, gauges.EVERY_S, partial(gauges.look, services)),
        Chore(dispatcher.NAME, dispatcher.EVERY_S, partial(dispatcher.dispatch, services)),
        Chore(terminations.NAME, terminations.EVERY_S, partial(terminations.terminate_cancelled, services)),
        Chore("sweep", settings.sweep_every_s, partial(sweep, services)),
        Chore("abandoned", abandoned.EVERY_S, partial(abandoned.delete_abandoned_outputs, services)),
    )


def hearing(services: Services) -> tuple[Chore, ...]:
    """The loop that reads Batch's events; none where no queue is set."""
    settings = services.settings
    if settings.batch_events_queue_url is None:
        return ()
    queue = open_queue(settings.batch_events_queue_url, region=settings.aws_region)
    return (Chore("events", consumer.EVERY_S, partial(consumer.consume, services, queue)),)


def telling(services: Services) -> tuple[Chore, ...]:
    """What every process that moves jobs owes others.

    To the cache, statuses that it did not hear; to whoever reads metrics, what the meter holds back: a line for many
    requests instead of one for each.
    """
    return (
        Chore("statuses", statuses.EVERY_S, partial(statuses.RepeatAnnouncements(), services)),
        Chore("telling", TELL_EVERY_S, lambda _stopping: services.meter.flush()),
    )
