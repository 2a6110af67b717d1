"""What statements change that is no data: the schema in use, the search path, variables."""

from sqlglot import exp

from cluster.lineage.naming import Names, split
from cluster.lineage.origins import NOWHERE, Parts, Relation
from cluster.lineage.queries import Queries


class Session:
    """The state that a script carries from one statement to the next."""

    names: Names
    queries: Queries
    transient: set[Parts]

    def use(self, node: exp.Use) -> None:
        kind = node.args["kind"].name.upper() if node.args.get("kind") is not None else ""
        if kind in ("WAREHOUSE", "ROLE", "SECONDARY ROLES", "SECONDARY"):
            return
        parts = self.names.raw(node.this) if isinstance(node.this, exp.Table) else ()
        if parts:
            self.names.use(parts, kind)

    def set(self, node: exp.Set) -> None:
        for item in node.expressions:
            inner = item.this if isinstance(item, exp.SetItem) else item
            if not isinstance(inner, exp.EQ | exp.PropertyEQ):
                continue
            name = inner.this.name
            if name.lower() in ("search_path", "schema", "current_schema"):
                found = inner.expression
                listed = found.expressions if isinstance(found, exp.Tuple) else [found]
                self._search([each.name for each in listed])
                continue
            values = self.queries.value(inner.expression, self.queries.scope({}))
            key = (
                "@" + name.lower().lstrip("@")
                if isinstance(inner.this, exp.Parameter) or name.startswith("@")
                else self.names.fold(name)
            )
            self.queries.variables[key] = values

    def declare(self, node: exp.Declare) -> None:
        for item in node.expressions:
            first = item.this[0] if isinstance(item.this, list) else item.this
            if isinstance(item.args.get("kind"), exp.Schema):
                columns = [(self.names.identifier(each.this), NOWHERE) for each in item.args["kind"].expressions
                           if isinstance(each, exp.ColumnDef)]  # fmt: skip
                table = ("@" + first.name.lower(),)
                self.transient.add(table)
                self.queries.made[table] = Relation(columns)
            elif item.args.get("default"):
                values = self.queries.value(item.args["default"], self.queries.scope({}))
                self.queries.variables["@" + first.name.lower().lstrip("@")] = values

    def unknown(self, node: exp.Command) -> None:
        head, rest = (
            str(node.this).upper(),
            str(node.expression.name if isinstance(node.expression, exp.Expr) else node.expression),
        )
        words = rest.replace("=", " ").replace(",", " ").split()
        if head == "SET" and words and words[0].lower() in ("search_path", "schema"):
            self._search([each.strip("'\"") for each in words[1:] if each.upper() != "TO"])
        elif head == "ALTER" and "CURRENT_SCHEMA" in rest.upper():
            self._search([words[-1].strip('"')])
        elif head in ("DATABASE", "USE") and words:
            self.names.use([self.names.fold(each) for each in split(words[-1])], "")

    def _search(self, path: list[str]) -> None:
        found = [self.names.fold(each) for each in path if each and each != "$user"]
        if found:
            self.names.search_path = found
