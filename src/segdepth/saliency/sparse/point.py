"""The inner loop of the sparse engine as machine code for this very processor, made by LLVM when first needed.

One call computes all live channels of one position: for each of them, the sum over taps and over the live channels of
the layer above of one weight times a row of ``lanes`` numbers, one per target. Blocks of channels stay in vector
registers meanwhile; Python's compilers do not promise that, so the code is written out in LLVM's language.
"""

from functools import cache, lru_cache

import llvmlite.binding as llvm
import numpy as np

__all__ = ["ARGUMENTS", "TAP_FIELDS", "lane_width", "point_function"]

#: What a call reads, 8 bytes each: number of taps, their table, bytes of a weight row, the live channels, how many,
#: where the rows go, what they begin with (0: zero, 1: what is there, 2: the rows that a table names), that table.
ARGUMENTS = 8
#: A tap: first row above, its channels, how many, the weights.
TAP_FIELDS = 4

#: Channels that are computed together, largest first; any number is a sum of these.
BLOCKS = (6, 4, 2, 1)


def lane_width(dtype: np.dtype) -> int:
    """Numbers in one vector register."""
    return _vector_bytes() // dtype.itemsize


@lru_cache(maxsize=1)
def _vector_bytes() -> int:
    features = llvm.get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx2") else 16


@cache
def point_function(single: bool, vectors: int) -> int:
    """The address of the compiled function for rows of ``vectors`` registers of float32 (``single``) or float64."""
    item = 4 if single else 8
    code = _module("float" if single else "double", item, _vector_bytes() // item, vectors)
    return _compile(code)


_engines: list[llvm.ExecutionEngine] = []  # compiled code lives as long as its engine


def _compile(code: str) -> int:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3, jit=True
    )
    module = llvm.parse_assembly(code)
    module.verify()
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    _engines.append(engine)
    address: int = engine.get_function_address("point")
    return address


def _module(number: str, item: int, width: int, vectors: int) -> str:
    """LLVM's language: load the arguments, then blocks of channels, the largest that fits first."""
    vector = f"<{width} x {number}>"
    names = ("ntaps", "taps", "stride", "chan", "count", "out", "mode", "init")
    loads = "\n".join(
        f"  %a{i} = getelementptr i64, ptr %args, i64 {i}\n  %{name} = load i64, ptr %a{i}"
        for i, name in enumerate(names)
    )
    blocks = "\n".join(_block(size, number, item, width, vectors) for size in BLOCKS)
    return f"""
declare {vector} @llvm.fma.v{width}f{8 * item}({vector}, {vector}, {vector})
define void @point(ptr noalias readonly %args) {{
entry:
{loads}
  br label %next
next:
  %done = phi i64 [0, %entry], {", ".join(f"[%done{s}, %end{s}]" for s in BLOCKS)}
  %left = sub i64 %count, %done
  %rowbytes = mul i64 %done, {vectors * width * item}
  %outrow = add i64 %out, %rowbytes
  br label %try{BLOCKS[0]}
{blocks}
finish:
  ret void
}}
"""


def _block(size: int, number: str, item: int, width: int, vectors: int) -> str:
    """``size`` channels at once."""
    vector, row = f"<{width} x {number}>", vectors * width * item
    following = BLOCKS[BLOCKS.index(size) + 1] if size > 1 else None
    each = [(b, v) for b in range(size) for v in range(vectors)]
    n = f"s{size}"
    lines = [
        f"try{size}:",
        f"  %fits{n} = icmp uge i64 %left, {size}",
        f"  br i1 %fits{n}, label %begin{size}, label %{f'try{following}' if following else 'finish'}",
        f"begin{size}:",
    ]
    for b in range(size):  # where each channel's weight stands in a row of weights
        lines += [
            f"  %ci{n}{b} = add i64 %done, {b}",
            f"  %cb{n}{b} = mul i64 %ci{n}{b}, 2",
            f"  %cq{n}{b} = add i64 %chan, %cb{n}{b}",
            f"  %cp{n}{b} = inttoptr i64 %cq{n}{b} to ptr",
            f"  %cs{n}{b} = load i16, ptr %cp{n}{b}",
            f"  %cz{n}{b} = zext i16 %cs{n}{b} to i64",
            f"  %co{n}{b} = mul i64 %cz{n}{b}, {item}",
        ]
    lines += [
        f"  switch i64 %mode, label %zero{size} [ i64 1, label %here{size} i64 2, label %table{size} ]",
        f"zero{size}:",
    ]
    lines += [f"  br label %start{size}", f"here{size}:"]
    for b, v in each:
        lines += [
            f"  %ha{n}_{b}_{v} = add i64 %outrow, {b * row + v * width * item}",
            f"  %hp{n}_{b}_{v} = inttoptr i64 %ha{n}_{b}_{v} to ptr",
            f"  %hv{n}_{b}_{v} = load {vector}, ptr %hp{n}_{b}_{v}, align {item}",
        ]
    lines += [f"  br label %start{size}", f"table{size}:"]
    for b in range(size):
        lines += [
            f"  %tb{n}{b} = mul i64 %ci{n}{b}, 8",
            f"  %tq{n}{b} = add i64 %init, %tb{n}{b}",
            f"  %tp{n}{b} = inttoptr i64 %tq{n}{b} to ptr",
            f"  %tr{n}{b} = load i64, ptr %tp{n}{b}",
        ]
    for b, v in each:
        lines += [
            f"  %ta{n}_{b}_{v} = add i64 %tr{n}{b}, {v * width * item}",
            f"  %tz{n}_{b}_{v} = inttoptr i64 %ta{n}_{b}_{v} to ptr",
            f"  %tv{n}_{b}_{v} = load {vector}, ptr %tz{n}_{b}_{v}, align {item}",
        ]
    lines += [f"  br label %start{size}", f"start{size}:"]
    for b, v in each:
        lines.append(
            f"  %i{n}_{b}_{v} = phi {vector} [zeroinitializer, %zero{size}], "
            f"[%hv{n}_{b}_{v}, %here{size}], [%tv{n}_{b}_{v}, %table{size}]"
        )
    lines += [f"  br label %tap{size}", f"tap{size}:", f"  %t{n} = phi i64 [0, %start{size}], [%tn{n}, %tapend{size}]"]
    for b, v in each:
        lines.append(f"  %x{n}_{b}_{v} = phi {vector} [%i{n}_{b}_{v}, %start{size}], [%z{n}_{b}_{v}, %tapend{size}]")
    lines += [f"  %tc{n} = icmp ult i64 %t{n}, %ntaps", f"  br i1 %tc{n}, label %tapbody{size}, label %store{size}"]
    lines += [f"tapbody{size}:", f"  %te{n} = mul i64 %t{n}, {8 * TAP_FIELDS}", f"  %tf{n} = add i64 %taps, %te{n}"]
    for i, field in enumerate(("g", "ch", "cnt", "w")):
        lines += [
            f"  %{field}at{n} = add i64 %tf{n}, {8 * i}",
            f"  %{field}in{n} = inttoptr i64 %{field}at{n} to ptr",
            f"  %{field}{n} = load i64, ptr %{field}in{n}",
        ]
    lines += [
        f"  %gp{n} = inttoptr i64 %g{n} to ptr",
        f"  %chp{n} = inttoptr i64 %ch{n} to ptr",
        f"  br label %row{size}",
        f"row{size}:",
        f"  %k{n} = phi i64 [0, %tapbody{size}], [%kn{n}, %rowbody{size}]",
    ]
    for b, v in each:
        lines.append(f"  %z{n}_{b}_{v} = phi {vector} [%x{n}_{b}_{v}, %tapbody{size}], [%y{n}_{b}_{v}, %rowbody{size}]")
    lines += [
        f"  %kc{n} = icmp ult i64 %k{n}, %cnt{n}",
        f"  br i1 %kc{n}, label %rowbody{size}, label %tapend{size}",
        f"rowbody{size}:",
        f"  %up{n} = getelementptr i16, ptr %chp{n}, i64 %k{n}",
        f"  %us{n} = load i16, ptr %up{n}",
        f"  %uz{n} = zext i16 %us{n} to i64",
        f"  %um{n} = mul i64 %uz{n}, %stride",
        f"  %wa{n} = add i64 %w{n}, %um{n}",
        f"  %wq{n} = inttoptr i64 %wa{n} to ptr",
        f"  %gr{n} = getelementptr [{row} x i8], ptr %gp{n}, i64 %k{n}",
    ]
    for v in range(vectors):
        lines += [
            f"  %gv{n}{v} = getelementptr i8, ptr %gr{n}, i64 {v * width * item}",
            f"  %gl{n}{v} = load {vector}, ptr %gv{n}{v}, align {item}",
        ]
    for b in range(size):
        lines += [
            f"  %wp{n}{b} = getelementptr i8, ptr %wq{n}, i64 %co{n}{b}",
            f"  %wl{n}{b} = load {number}, ptr %wp{n}{b}",
            f"  %wi{n}{b} = insertelement {vector} poison, {number} %wl{n}{b}, i64 0",
            f"  %wv{n}{b} = shufflevector {vector} %wi{n}{b}, {vector} poison, <{width} x i32> zeroinitializer",
        ]
        lines += [
            f"  %y{n}_{b}_{v} = call {vector} @llvm.fma.v{width}f{8 * item}("
            f"{vector} %wv{n}{b}, {vector} %gl{n}{v}, {vector} %z{n}_{b}_{v})"
            for v in range(vectors)
        ]
    lines += [f"  %kn{n} = add i64 %k{n}, 1", f"  br label %row{size}"]
    lines += [f"tapend{size}:", f"  %tn{n} = add i64 %t{n}, 1", f"  br label %tap{size}", f"store{size}:"]
    for b, v in each:
        lines += [
            f"  %oa{n}_{b}_{v} = add i64 %outrow, {b * row + v * width * item}",
            f"  %op{n}_{b}_{v} = inttoptr i64 %oa{n}_{b}_{v} to ptr",
            f"  store {vector} %x{n}_{b}_{v}, ptr %op{n}_{b}_{v}, align {item}",
        ]
    lines += [f"  %done{size} = add i64 %done, {size}", f"  br label %end{size}", f"end{size}:", "  br label %next"]
    return "\n".join(lines)
