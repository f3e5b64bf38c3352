"""The inner loop of the sparse engine as machine code for this very processor, made by LLVM when first needed.

One call computes all live channels of one position: to each of them it adds, over the live units above that the position's
taps reach, one weight times a row of numbers, one per target. A block of channels times a row's vectors stays in registers
meanwhile; Python's compilers do not promise that, so the code is written with LLVM's builder.
"""

from functools import cache
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir

from .processor import Processor

__all__ = [
    "ARGUMENTS",
    "BEGIN",
    "COUNT",
    "FRESH",
    "LISTED",
    "MORE",
    "NAMED",
    "OUT",
    "ROWS",
    "UNITS",
    "WEIGHTS",
    "WITH_ADDED",
    "assembly",
    "point_function",
]

#: What a call reads, 8 bytes each: number of units above, addresses of their rows, addresses of their weights, the live
#: channels, how many, where their rows go, what they begin with, the addresses of the rows to begin with.
ARGUMENTS = 8
UNITS, ROWS, WEIGHTS, LISTED, COUNT, OUT, BEGIN, NAMED = range(ARGUMENTS)

#: What rows begin with: zeros, what stands there, rows of another value.
FRESH, MORE, WITH_ADDED = range(3)

I8, I16, I32, I64, POINTER = *(ir.IntType(bits) for bits in (8, 16, 32, 64)), ir.PointerType()


@cache
def point_function(processor: Processor, item: int, vectors: int) -> int:
    """The address of the compiled function for rows of some vectors of float32 (4 bytes) or float64 (8 bytes)."""
    machine = _machine(processor, jit=True)
    module = llvm.parse_assembly(_module(processor, item, vectors))
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    _engines.append(engine)
    address: int = engine.get_function_address("point")
    return address


_engines: list[llvm.ExecutionEngine] = []  # compiled code lives as long as its engine


def assembly(processor: Processor, item: int, vectors: int) -> str:
    """The function in the processor's own language, also where this is another one."""
    text: str = _machine(processor).emit_assembly(llvm.parse_assembly(_module(processor, item, vectors)))
    return text


def _machine(processor: Processor, **options: Any) -> llvm.TargetMachine:
    if processor.triple is None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        target = llvm.Target.from_default_triple()
    else:
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
        target = llvm.Target.from_triple(processor.triple)
    machine: llvm.TargetMachine = target.create_target_machine(
        cpu=processor.name, features=processor.features, opt=3, **options
    )
    return machine


def _module(processor: Processor, item: int, vectors: int) -> str:
    module = ir.Module("point")
    if processor.triple is not None:
        module.triple = processor.triple
    number = ir.FloatType() if item == 4 else ir.DoubleType()
    _Point(module, number, item, processor.vector_bytes // item, vectors).write(processor.blocking.channels(vectors))
    return str(module)


class _Point:
    """Writes the function: blocks of channels until none is left.

    Args:
        module: to write it into.
        number: type of the numbers.
        item: bytes of a number.
        width: numbers of a vector.
        vectors: of a row.
    """

    def __init__(self, module: ir.Module, number: ir.Type, item: int, width: int, vectors: int) -> None:
        self.number, self.item, self.width, self.vectors = number, item, width, vectors
        self.vector = ir.VectorType(number, width)
        self.row_bytes = vectors * width * item
        self.function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER]), "point")
        self.function.args[0].add_attribute("noalias")
        fma = ir.FunctionType(self.vector, [self.vector] * 3)
        self.fma = ir.Function(module, fma, f"llvm.fma.v{width}f{8 * item}")
        self.b = ir.IRBuilder(self.function.append_basic_block("entry"))

    def write(self, most: int) -> None:
        """The whole function.

        Args:
            most: channels that are computed together. What is left of fewer than two such blocks is halved: a block of one
                channel waits for its own sums.
        """
        b, arguments = self.b, self.function.args[0]
        types = (I64, POINTER, POINTER, POINTER, I64, POINTER, I64, POINTER)
        self.given = [b.load(self._at(arguments, I64, k), typ=one) for k, one in enumerate(types)]
        entry, choose, end = b.block, b.append_basic_block("choose"), b.append_basic_block("end")
        b.branch(choose)
        b.position_at_end(choose)
        done = b.phi(I64, "done")
        done.add_incoming(_i64(0), entry)
        blocks = {size: b.append_basic_block(f"channels{size}") for size in range(most, 0, -1)}
        switch = b.switch(b.sub(self.given[COUNT], done), blocks[most])
        switch.add_case(_i64(0), end)
        for left in range(1, 2 * most):
            switch.add_case(_i64(left), blocks[left if left <= most else (left + 1) // 2])
        for size, block in blocks.items():
            b.position_at_end(block)
            self._block(size, done)
            done.add_incoming(b.add(done, _i64(size)), b.block)
            b.branch(choose)
        b.position_at_end(end)
        b.ret_void()

    def _block(self, size: int, done: ir.Value) -> None:
        """Some channels, from the one numbered ``done`` on."""
        channels = self._at(self.given[LISTED], I16, done)
        places = [self.b.zext(self.b.load(self._at(channels, I16, k), typ=I16), I64) for k in range(size)]
        out = self._at(self.given[OUT], I8, self.b.mul(done, _i64(self.row_bytes)))
        rows = [self._at(out, I8, k * self.row_bytes) for k in range(size)]
        sums = self._add_units(places, self._begin(rows, done))
        for k, row in enumerate(rows):
            for v in range(self.vectors):
                self.b.store(sums[k * self.vectors + v], self._at(row, self.vector, v), align=self.item)

    def _begin(self, rows: list[ir.Value], done: ir.Value) -> list[ir.Value]:
        """What the sums begin with, channel by channel: zeros, what is there, or rows that a table names."""
        b = self.b
        zeros, there, named, begin = (b.append_basic_block(name) for name in ("zeros", "there", "named", "begin"))
        switch = b.switch(self.given[BEGIN], zeros)
        switch.add_case(_i64(MORE), there)
        switch.add_case(_i64(WITH_ADDED), named)
        b.position_at_end(zeros)
        b.branch(begin)
        b.position_at_end(there)
        found_there = self._load_rows(rows)
        b.branch(begin)
        b.position_at_end(named)
        table = self._at(self.given[NAMED], I64, done)
        found_named = self._load_rows([b.load(self._at(table, I64, k), typ=POINTER) for k in range(len(rows))])
        b.branch(begin)
        b.position_at_end(begin)
        nothing: Any = [ir.Constant(self.vector, None)] * len(found_there)
        return self._merged({zeros: nothing, there: found_there, named: found_named})

    def _add_units(self, places: list[ir.Value], sums: list[ir.Value]) -> list[ir.Value]:
        """The loop that everything is about."""
        b, before = self.b, self.b.block
        body, end = b.append_basic_block("unit"), b.append_basic_block("end")
        b.cbranch(b.icmp_unsigned("==", self.given[UNITS], _i64(0)), end, body)
        b.position_at_end(body)
        (unit,) = self._merged({before: [_i64(0)]})
        held = self._merged({before: sums})
        row = self._load_rows([b.load(self._at(self.given[ROWS], I64, unit), typ=POINTER)])
        weights = b.load(self._at(self.given[WEIGHTS], I64, unit), typ=POINTER)
        added = []
        for k, place in enumerate(places):
            weight = self._everywhere(b.load(self._at(weights, self.number, place), typ=self.number))
            added += [b.call(self.fma, [weight, x, held[k * self.vectors + v]]) for v, x in enumerate(row)]
        following = b.add(unit, _i64(1))
        for phi, value in zip([unit, *held], [following, *added], strict=True):
            phi.add_incoming(value, body)
        b.cbranch(b.icmp_unsigned("==", following, self.given[UNITS]), end, body)
        b.position_at_end(end)
        return self._merged({before: sums, body: added})

    def _merged(self, values: dict[Any, list[Any]]) -> list[Any]:
        """Values by the block that one comes from."""
        merged = []
        for column in zip(*values.values(), strict=True):
            merged.append(self.b.phi(column[0].type))
            for value, block in zip(column, values, strict=True):
                merged[-1].add_incoming(value, block)
        return merged

    def _load_rows(self, rows: list[ir.Value]) -> list[ir.Value]:
        """All vectors of each."""
        at = [self._at(row, self.vector, v) for row in rows for v in range(self.vectors)]
        return [self.b.load(one, align=self.item, typ=self.vector) for one in at]

    def _everywhere(self, number: ir.Value) -> Any:
        """One number in all lanes."""
        undefined = ir.Constant(self.vector, ir.Undefined)
        one = self.b.insert_element(undefined, number, ir.Constant(I32, 0))
        return self.b.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(I32, self.width), None))

    def _at(self, pointer: ir.Value, element: ir.Type, index: ir.Value | int) -> Any:
        """The address of an element."""
        return self.b.gep(pointer, [_i64(index) if isinstance(index, int) else index], source_etype=element)


def _i64(number: int) -> ir.Constant:
    return ir.Constant(I64, number)
