"""PostgreSQL: the connection pool, and the unit of work that a request or job runs in."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Annotated, Any, ClassVar, Self, TypeVar

import asyncpg
import structlog
from fastapi import Depends, Request
from prometheus_client import Counter, Gauge
from sqlalchemy import Connection, Executable, Insert, MetaData, TextClause, bindparam, insert, inspect, text
from sqlalchemy.engine import URL, AdaptedConnection, ExceptionContext, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.event import listen
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from app.kit.pool import FairPool
from app.kit.problems import Problem, Unavailable
from app.kit.redis import OUTAGES, report
from app.settings import Settings

log = structlog.stdlib.get_logger(__name__)

DATABASE_CONNECTION_ERRORS = Counter("database_connection_errors", "Connections to PostgreSQL that failed or were lost")
DATABASE_POOL_SIZE = Gauge("database_pool_size", "Connections that the pool may hold")
DATABASE_POOL_IN_USE = Gauge("database_pool_in_use", "Connections that are checked out of the pool")

# DNS names the new primary within seconds of a failover. An attempt that takes longer than this went to the old one.
CONNECT_TIMEOUT = 5.0
# A longer wait for a connection would only lengthen the queue.
POOL_TIMEOUT = 5.0
LOCK_TIMEOUT = 5.0
# The server cancels slow statements itself. If it is silent for this many seconds longer, it is gone.
SILENCE_TIMEOUT = 1.0

# Seconds after which an idle connection is checked before it is used.
IDLE = 5.0
_RETURNED_AT = "returned_at"

AfterCommit = Callable[[], Awaitable[None]]
Connect = Callable[[], Awaitable[asyncpg.Connection]]
_Result = TypeVar("_Result")


class Model(DeclarativeBase):
    """Base of all tables, with constraint names that migrations can rely on."""

    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


@dataclass(frozen=True, slots=True)
class Guard:
    """The condition under which a row may be written. Single statements check it in SQL.

    `condition` is SQL with the parameters `values`; where it does not hold, the commit raises `refusal`. As text,
    because SQLAlchemy walks through an expression at each execution, which doubled the CPU of such a request.
    """

    condition: str
    values: Mapping[str, object]
    refusal: type[Problem]


class UnitOfWork:
    """One transaction, opened on first use, and the actions to run after its commit."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._session: AsyncSession | None = None
        self._added: list[Model] = []
        self._guards: list[Guard] = []
        self._after_commit: list[AfterCommit] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Commit, or roll back after an exception."""
        try:
            if error is None:
                await self.commit()
        finally:
            if self._session is not None:
                await self._session.__aexit__(kind, error, traceback)

    @property
    def session(self) -> AsyncSession:
        """The transaction, with all rows that were added."""
        if self._session is None:
            self._session = AsyncSession(self._engine, expire_on_commit=False)
            self._session.add_all(self._added)
        return self._session

    def add(self, row: Model, guard: Guard | None = None) -> None:
        """Write a new row before the session's next query or in the commit, which raises the guard's refusal.

        A unit that does nothing but add one row needs neither session nor transaction: that is a third of the work.
        """
        # Only the session writes rows that are related to this one.
        if self._session is None and not inspect(type(row)).relationships:
            self._added.append(row)
        else:
            self.session.add(row)
        if guard is not None:
            self._guards.append(guard)

    def after_commit(self, action: AfterCommit) -> None:
        """Run an action after the commit. A failure is logged and does not undo the commit."""
        self._after_commit.append(action)

    async def commit(self) -> None:
        """Commit, then run the actions in order. Only the request or job that owns the unit may call this."""
        if self._session is None and len(self._added) == 1:
            await self._write_alone(self._added.pop(), self._guards.pop() if self._guards else None)
        elif self._session is not None or self._added:
            await self._check_guards()
            await self.session.commit()
        for action in self._after_commit:
            try:
                await action()
            except OUTAGES as error:
                report("after-commit action failed", error)
            except Exception:
                log.exception("after-commit action failed")

    async def _check_guards(self) -> None:
        for guard in self._guards:
            # The guarded row may have been written already. The guard's condition excludes it.
            with self.session.no_autoflush:
                if not await self.session.scalar(text(f"SELECT {guard.condition}"), dict(guard.values)):
                    raise guard.refusal

    async def _write_alone(self, row: Model, guard: Guard | None) -> None:
        plain, columns = _insertion(type(row))
        given = vars(row)
        values = {column: given[name] for name, column in columns if name in given}
        statement: Insert | TextClause = plain
        if guard is not None:
            statement = _guarded(type(row), tuple(values), guard.condition)
            values.update(guard.values)

        def write(connection: Connection) -> None:
            if connection.execute(statement, values).rowcount == 0 and guard is not None:
                raise guard.refusal

        await _alone(self._engine, write)


async def _alone(engine: AsyncEngine, run: Callable[[Connection], _Result]) -> _Result:
    """Run one statement without a transaction, which saves two round trips."""

    def connected() -> _Result:
        with engine.sync_engine.connect() as connection:
            return run(connection.execution_options(isolation_level="AUTOCOMMIT"))

    # Enter SQLAlchemy's greenlet once, instead of once for each step. The session opens no connection.
    return await AsyncSession().run_sync(lambda _session: connected())


@cache
def _insertion(model: type[Model]) -> tuple[Insert, list[tuple[str, str]]]:
    """Return the insert of a row, and its columns by attribute. Cached: building it costs more than running it."""
    table = model.metadata.tables[model.__tablename__]
    return insert(table), [(name, column.key) for name, column in inspect(model).columns.items()]


@cache
def _guarded(model: type[Model], columns: tuple[str, ...], condition: str) -> TextClause:
    """Return the insert of a row under a condition. There are few conditions, each created once."""
    table = model.metadata.tables[model.__tablename__]
    # A textual statement does not apply the model's defaults.
    defaults = {
        column.key: column.default.arg
        for column in table.c
        if column.key not in columns and isinstance(column.default, ScalarElementColumnDefault)
    }
    names = (*columns, *defaults)
    values = ", ".join(f":{name}" for name in names)
    query = text(f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {values} WHERE {condition}")
    given = [bindparam(name, type_=table.c[name].type) for name in columns]
    return query.bindparams(*given, *(bindparam(name, value, table.c[name].type) for name, value in defaults.items()))


class Database:
    """The pool of one process. Make it in the event loop that uses it, and close it there."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.engine = self._make_engine()

    def _make_engine(self) -> AsyncEngine:
        engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=_counting(connector(self._settings, self._settings.database_statement_timeout)),
            poolclass=FairPool,
            pool_size=self._settings.database_pool_size,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT,
            # Below the idle time-outs of NAT gateways and balancers (350 s).
            pool_recycle=300,
            # Keep users' input out of errors and statement logs.
            hide_parameters=True,
        )
        listen(engine.sync_engine, "handle_error", _note_disconnect)
        listen(engine.sync_engine, "checkin", _note_return)
        listen(engine.sync_engine, "checkout", _check_alive)
        pool = engine.pool
        if isinstance(pool, QueuePool):
            DATABASE_POOL_SIZE.set_function(pool.size)
            DATABASE_POOL_IN_USE.set_function(pool.checkedout)
        return engine

    def unit_of_work(self) -> UnitOfWork:
        """A unit of work: `async with` commits it at the end of the block, rolls it back when the block raises."""
        return UnitOfWork(self.engine)

    async def read(self, query: Executable, values: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
        """The rows of one query by column, read without a transaction."""

        def rows(connection: Connection) -> list[dict[str, Any]]:
            result = connection.execute(query, values)
            # Looking up a single column in a Row takes as long as converting the whole row here.
            names = tuple(result.keys())
            return [dict(zip(names, row, strict=True)) for row in result]

        return await _alone(self.engine, rows)

    async def ping(self) -> None:
        """One round trip. Raises Unavailable when PostgreSQL does not answer."""
        try:
            async with self.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except (DBAPIError, PoolTimeoutError, TimeoutError) as error:
            raise Unavailable from error

    async def fill(self) -> None:
        """Open all connections of the pool. Raises Unavailable when PostgreSQL does not answer."""
        size = self._settings.database_pool_size
        opened = await asyncio.gather(*(self.engine.connect() for _ in range(size)), return_exceptions=True)
        failures = []
        for one in opened:
            if isinstance(one, BaseException):
                failures.append(one)
            else:
                await one.close()
        if failures:
            raise Unavailable from failures[0]

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()


def connector(settings: Settings, statement_timeout: float = 0) -> Connect:
    """A function that opens one connection. A time-out of 0 seconds means none, as migrations need."""
    arguments = connection_arguments(make_url(settings.database_address()))
    server_settings = {
        "application_name": settings.service,
        "statement_timeout": str(int(statement_timeout * 1000)),
        "lock_timeout": str(int(LOCK_TIMEOUT * 1000)),
        # Otherwise a worker that is paused or cut off during a job would hold its locks indefinitely.
        "idle_in_transaction_session_timeout": str((settings.job_timeout + 60) * 1000),
    }
    tls = tls_context(settings)
    silence = statement_timeout + SILENCE_TIMEOUT if statement_timeout else None

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(
            **arguments, ssl=tls, timeout=CONNECT_TIMEOUT, command_timeout=silence, server_settings=server_settings
        )

    return connect


def _counting(connect: Connect) -> Connect:
    async def counted() -> asyncpg.Connection:
        try:
            return await connect()
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            DATABASE_CONNECTION_ERRORS.inc()
            log.warning("database connection failed", error=str(error) or type(error).__name__)
            raise Unavailable from error

    return counted


def connection_arguments(url: URL) -> dict[str, str | int | None]:
    """Return asyncpg's arguments. In the query, `host` and `port` are the directory and the number of a Unix socket."""
    host, port = url.query.get("host", url.host), url.query.get("port")
    return {
        "host": host if isinstance(host, str) else None,
        "port": int(port) if isinstance(port, str) else url.port,
        "user": url.username,
        "password": url.password,
        "database": url.database,
    }


def tls_context(settings: Settings) -> ssl.SSLContext | bool:
    """TLS that verifies chain and host name, or False where the mode is `disable`."""
    if settings.database_ssl_mode == "disable":
        return False
    return ssl.create_default_context(cafile=settings.database_ssl_root_cert)


def is_outage(error: DBAPIError) -> bool:
    """Return whether the server was lost, is shutting down, or ran out of time or connections."""
    if error.connection_invalidated:
        return True
    code = str(getattr(error.orig, "sqlstate", None) or "")
    # SQLSTATE classes 08 connection, 53 resources, 57 operator intervention (shutdown, statement time-out), and 55P03
    # lock time-out.
    return code[:2] in {"08", "53", "57"} or code == "55P03"


def is_unstorable(error: DBAPIError) -> bool:
    """Return whether a value does not fit its column: text too long or with NUL, or a number too large."""
    if getattr(error.orig, "sqlstate", None) in {"22001", "22003", "22021"}:
        return True
    # asyncpg refuses an integer that its type cannot hold. SQLAlchemy's error has that refusal as its cause.
    refusal = getattr(error.orig, "__cause__", None)
    return isinstance(getattr(refusal, "__cause__", None), OverflowError)


def _note_return(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    record.info[_RETURNED_AT] = time.monotonic()


def _check_alive(connection: AdaptedConnection, record: ConnectionPoolEntry, _proxy: object) -> None:
    """Make the pool replace dead connections, without the round trip of a ping at every checkout."""
    # True as soon as the server, or its host, has closed the connection.
    alive = not connection.driver_connection.is_closed()
    if alive and time.monotonic() - record.info.get(_RETURNED_AT, time.monotonic()) > IDLE:
        alive = _answers(connection)
    if not alive:
        raise DisconnectionError


def _answers(connection: Any) -> bool:
    try:
        connection.ping()
    except Exception:
        log.info("idle database connection replaced")
        return False
    return True


def _note_disconnect(context: ExceptionContext) -> None:
    if isinstance(context.original_exception, TimeoutError):
        # asyncpg's time-out: unless it counts as a disconnect, the rollback on this connection would time out as well.
        context.is_disconnect = True
    if context.is_disconnect:
        DATABASE_CONNECTION_ERRORS.inc()


async def _request_unit_of_work(request: Request) -> AsyncIterator[UnitOfWork]:
    database: Database = request.app.state.resources.database
    async with database.unit_of_work() as work:
        yield work


# Scope `function` commits before the response is sent, so a response never confirms a change that failed to commit.
UnitOfWorkDep = Annotated[UnitOfWork, Depends(_request_unit_of_work, scope="function")]
