"""Panels as all dashboards have them: a title, a sentence of help, a unit, and the data source that is chosen."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from grafana_foundation_sdk.builders import common as commons
from grafana_foundation_sdk.builders import dashboard as dashboards
from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardLinkType,
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    GridPos,
    Panel,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

DATASOURCE: Final = DataSourceRef("prometheus", "${datasource}")
TAG: Final = "frostline"
SLO_UID: Final = "frostline-slo"

GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "yellow", "orange", "red", "blue", "gray"
OF_BUDGET: Final = ((None, RED), (0.0, ORANGE), (0.3, YELLOW), (0.7, GREEN))
"""Colours by the share of the budget that is left: those of the levels."""
PLAIN: Final = ((None, BLUE),)
NONE_IS_GOOD: Final = ((None, GREEN), (1.0, RED))

Steps: TypeAlias = Sequence[tuple[float | None, str]]
Queries: TypeAlias = Sequence[tuple[str, str]]
"""(PromQL, name of the series in the legend) each."""
Fields: TypeAlias = Mapping[str, Mapping[str, object]]
"""Properties of columns, by the column's name."""


def place(x: int, y: int, w: int, h: int) -> GridPos:
    """Return where a panel is: the grid is 24 wide."""
    return GridPos(h=h, w=w, x=x, y=y)


def texts(values: Mapping[int, tuple[str, str]]) -> list[ValueMapping]:
    """Return what stands for numbers: (text, colour) by number."""
    return [
        ValueMap(
            {
                str(value): ValueMappingResult(text=text, color=colour, index=index)
                for index, (value, (text, colour)) in enumerate(values.items())
            }
        )
    ]


def big(
    title: str,
    description: str,
    promql: str,
    *,
    at: GridPos,
    unit: str,
    steps: Steps = PLAIN,
    mappings: Sequence[ValueMapping] = (),
    size: int | None = None,
    decimals: int | None = None,
    unknown: str = "not known",
) -> stat.Panel:
    """Return one number as it is now; `size` is that of its letters in pixels, `unknown` stands where there is none."""
    made = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .grid_pos(at)
        .with_target(_query(promql, "", "A").instant())
        .unit(unit)
        .no_value(unknown)
        .thresholds(_thresholds(steps))
        .color_scheme(dashboards.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .mappings([*mappings])
        .color_mode(common.BigValueColorMode.BACKGROUND_SOLID if size else common.BigValueColorMode.VALUE)
        .graph_mode(common.BigValueGraphMode.NONE)
        .reduce_options(commons.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    if size is not None:
        made = made.text(commons.VizTextDisplayOptions().value_size(size))
    return made if decimals is None else made.decimals(decimals)


def lines(
    title: str,
    description: str,
    queries: Queries,
    *,
    at: GridPos,
    unit: str,
    colours: Mapping[str, str] | None = None,
    most: float | None = None,
    stacked: bool = False,
    bars: bool = False,
    decimals: int | None = None,
) -> timeseries.Panel:
    """Return series over time. `colours` are by the name in the legend, `most` is the top of the axis at least."""
    made = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .grid_pos(at)
        .unit(unit)
        .line_width(2)
        .fill_opacity(30 if stacked or bars else 5)
        .show_points(common.VisibilityMode.NEVER)
        .draw_style(common.GraphDrawStyle.BARS if bars else common.GraphDrawStyle.LINE)
        .legend(
            commons.VizLegendOptions()
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
    )
    for number, (promql, legend) in enumerate(queries):
        made = made.with_target(_query(promql, legend, _letter(number)).range())
    for legend, colour in (colours or {}).items():
        made = made.override_by_name(legend, [DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})])
    if most is not None:
        made = made.axis_soft_max(most)
    if stacked:
        made = made.stacking(commons.StackingConfig().mode(common.StackingMode.NORMAL))
    return made if decimals is None else made.decimals(decimals)


def states(
    title: str, description: str, queries: Queries, *, at: GridPos, mappings: Sequence[ValueMapping]
) -> statetimeline.Panel:
    """Return what held when, as bars of colour."""
    made = (
        statetimeline.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .grid_pos(at)
        .unit("short")
        .mappings([*mappings])
        .show_value(common.VisibilityMode.AUTO)
        .merge_values(True)
        .row_height(0.8)
        .fill_opacity(70)
        .line_width(0)
    )
    for number, (promql, legend) in enumerate(queries):
        made = made.with_target(_query(promql, legend, _letter(number)).range())
    return made


def rows(
    title: str,
    description: str,
    queries: Queries,
    *,
    at: GridPos,
    hidden: Sequence[str] = (),
    fields: Fields | None = None,
    first: tuple[str, bool] | None = None,
    order: Sequence[str] = (),
) -> table.Panel:
    """Return a table as of now, a row for each set of labels that the queries have in common.

    The values of a query stand in a column of its name in the legend. `first` is (the column to sort by, falling);
    `order` names columns from the left.
    """
    renamed = {f"Value #{_letter(number)}": legend for number, (_, legend) in enumerate(queries)}
    if len(queries) == 1:
        renamed = {"Value": queries[0][1]}
    made = (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .grid_pos(at)
        .unit("short")
        .no_value("none")
        .show_header(True)
        .with_transformation(DataTransformerConfig(id_val="merge", options={}))
        .with_transformation(
            DataTransformerConfig(
                id_val="organize",
                options={
                    "excludeByName": dict.fromkeys(("Time", *hidden), True),
                    "indexByName": {name: index for index, name in enumerate(order)},
                    "renameByName": renamed,
                },
            )
        )
    )
    for number, (promql, legend) in enumerate(queries):
        made = made.with_target(_query(promql, legend, _letter(number)).instant().format(PromQueryFormat.TABLE))
    for name, properties in (fields or {}).items():
        made = made.override_by_name(name, [DynamicConfigValue(key, value) for key, value in properties.items()])
    if first is not None:
        made = made.sort_by([commons.TableSortByFieldState().display_name(first[0]).desc(first[1])])
    return made


def coloured(steps: Steps) -> dict[str, object]:
    """Return the properties of a column whose cells have the colour of their values."""
    return {
        "thresholds": {"mode": "absolute", "steps": [{"value": value, "color": colour} for value, colour in steps]},
        "color": {"mode": "thresholds"},
        "custom.cellOptions": {"type": "color-text"},
    }


def to_slo() -> dict[str, object]:
    """Return the properties of a column that leads to the dashboard of the row's objective."""
    url = f"/d/{SLO_UID}?var-namespace=${{__data.fields.namespace}}&var-name=${{__data.fields.name}}"
    return {"links": [{"title": "This objective", "url": f"{url}&var-datasource=${{datasource}}"}]}


def board(title: str, uid: str, description: str, begin: str, variables: Sequence[Any]) -> dashboards.Dashboard:
    """Return a dashboard without panels that shows the time from `begin` until now."""
    source = dashboards.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
    made = dashboards.Dashboard(title).uid(uid).description(description).tags([TAG]).time(begin, "now").refresh("1m")
    for each in (source, *variables):
        made = made.with_variable(each)
    others = dashboards.DashboardLink("Frostline").type(DashboardLinkType.DASHBOARDS).tags([TAG])
    return made.readonly().link(others.as_dropdown(True).keep_time(True))


def filled(made: dashboards.Dashboard, panels: Iterable[Builder[Panel]]) -> Dashboard:
    """Return a dashboard with its panels, numbered as they come: links to a panel go by its number."""
    for number, each in enumerate(panels, start=1):
        made = made.with_panel(_Numbered(each, number))
    return made.build()


class _Numbered(Builder[Panel]):
    """A panel with a number."""

    def __init__(self, panel: Builder[Panel], number: int) -> None:
        self._panel = panel
        self._number = number

    def build(self) -> Panel:
        """Return it."""
        made = self._panel.build()
        made.id_val = self._number
        return made


def variable(name: str, label: str, promql: str, *, several: bool = False) -> dashboards.QueryVariable:
    """Return a variable whose values are those of a label: `promql` is a label_values()."""
    made = (
        dashboards.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query({"query": promql, "refId": name})
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )
    return made.multi(True).include_all(True).all_value(".*") if several else made


def _query(promql: str, legend: str, ref: str) -> prometheus.Dataquery:
    asked = prometheus.Dataquery().expr(promql).ref_id(ref).datasource(DATASOURCE)
    return asked.legend_format(legend) if legend else asked


def _letter(number: int) -> str:
    return chr(ord("A") + number)


def _thresholds(steps: Steps) -> dashboards.ThresholdsConfig:
    return (
        dashboards.ThresholdsConfig()
        .mode(ThresholdsMode.ABSOLUTE)
        .steps([Threshold(value=value, color=colour) for value, colour in steps])
    )
