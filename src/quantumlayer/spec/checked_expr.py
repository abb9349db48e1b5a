"""Decodes the CEL runtime's serialised `cel.expr.CheckedExpr`.

Message and field numbers: cel/expr/syntax.proto and checked.proto of https://github.com/google/cel-spec.
"""

from typing import Any

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory

_F = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "int64": _F.TYPE_INT64,
    "int32": _F.TYPE_INT32,
    "uint64": _F.TYPE_UINT64,
    "bool": _F.TYPE_BOOL,
    "double": _F.TYPE_DOUBLE,
    "string": _F.TYPE_STRING,
    "bytes": _F.TYPE_BYTES,
}
_MESSAGES: dict[str, tuple[tuple[str, int, str], ...]] = {
    "Constant": (
        ("null_value", 1, "int32"),
        ("bool_value", 2, "bool"),
        ("int64_value", 3, "int64"),
        ("uint64_value", 4, "uint64"),
        ("double_value", 5, "double"),
        ("string_value", 6, "string"),
        ("bytes_value", 7, "bytes"),
    ),
    "Ident": (("name", 1, "string"),),
    "Selection": (("operand", 1, "Expr"), ("field", 2, "string"), ("test_only", 3, "bool")),
    "Calling": (("target", 1, "Expr"), ("function", 2, "string"), ("args", 3, "Expr*")),
    "CreateList": (("elements", 1, "Expr*"),),
    "CreateStruct": (("message_name", 1, "string"),),
    "Fold": (
        ("iter_var", 1, "string"),
        ("iter_range", 2, "Expr"),
        ("accu_var", 3, "string"),
        ("accu_init", 4, "Expr"),
        ("loop_condition", 5, "Expr"),
        ("loop_step", 6, "Expr"),
        ("result", 7, "Expr"),
    ),
    "Expr": (
        ("id", 2, "int64"),
        ("const_expr", 3, "Constant"),
        ("ident_expr", 4, "Ident"),
        ("select_expr", 5, "Selection"),
        ("call_expr", 6, "Calling"),
        ("list_expr", 7, "CreateList"),
        ("struct_expr", 8, "CreateStruct"),
        ("comprehension_expr", 9, "Fold"),
    ),
    "PositionEntry": (("key", 1, "int64"), ("value", 2, "int32")),
    "SourceInfo": (("positions", 4, "PositionEntry*"),),
    "CheckedExpr": (("expr", 4, "Expr"), ("source_info", 5, "SourceInfo")),
}
_ONEOFS = {"Constant", "Expr"}


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="checked_expr.proto", package="checked", syntax="proto3")
    for message, fields in _MESSAGES.items():
        proto = file.message_type.add(name=message)
        if message in _ONEOFS:
            proto.oneof_decl.add(name="kind")
        for name, number, kind in fields:
            repeated, kind = kind.endswith("*"), kind.rstrip("*")
            field = proto.field.add(name=name, number=number, label=_F.LABEL_REPEATED if repeated else _F.LABEL_OPTIONAL)
            if kind in _SCALARS:
                field.type = _SCALARS[kind]
            else:
                field.type, field.type_name = _F.TYPE_MESSAGE, f".checked.{kind}"
            if message in _ONEOFS and name != "id":
                field.oneof_index = 0
    return file


_POOL = descriptor_pool.DescriptorPool()
_POOL.AddSerializedFile(_file().SerializeToString())
_CHECKED = message_factory.GetMessageClass(_POOL.FindMessageTypeByName("checked.CheckedExpr"))


def decode(serialised: bytes) -> tuple[Any, dict[int, int]]:
    """The root `Expr` message and the character offset of each expression id."""
    checked: Any = _CHECKED.FromString(any_pb2.Any.FromString(serialised).value)
    return checked.expr, {p.key: p.value for p in checked.source_info.positions}
