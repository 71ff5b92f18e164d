package org.adjoint.cpu.group;

import java.util.ArrayList;
import java.util.List;
import org.adjoint.cpu.group.LoopProgram.Access;
import org.adjoint.cpu.group.LoopProgram.Store;
import org.adjoint.cpu.group.Machine.Value;
import org.adjoint.graph.DType;
import org.adjoint.graph.ReduceOp;
import org.adjoint.plan.Group;
import org.adjoint.plan.Instruction;

/** Writes a {@link Group} as a {@link LoopProgram}. */
final class GroupLoop {
    /** How a loop gets at an operand. */
    enum Mode {
        /** In the memory of its slot, element after element. */
        DIRECT,
        /** One element for all points, given as a scalar argument after those of the group. */
        UNIFORM,
        /** In a scratch row, widened to its compute type. */
        SCRATCH
    }

    /** What becomes of a result. */
    enum Sink {
        /** Rounded and written to the memory of its slot. */
        DIRECT,
        /** Written to a scratch row in its compute type. */
        SCRATCH,
        /** Folded, point by point, into a scratch row of partial results. */
        ACCUMULATE,
        /** Folded into the virtual lanes of a {@link Fold}. */
        LANES
    }

    private GroupLoop() { }

    /**
     * The program of a group. Its bases are the inputs that are not uniform, then the partial results that are
     * accumulated into, then the results, those that go into lanes last. Uniform inputs follow the scalars.
     */
    static LoopProgram of(Group group, List<Mode> modes, List<Sink> sinks) {
        Machine m = new Machine();
        List<Access> inputs = new ArrayList<>();
        List<Kind> scalars = new ArrayList<>();
        group.scalars().forEach(dtype -> scalars.add(Kind.of(dtype).stored()));
        Value[] loaded = new Value[group.inputs().size()];
        for (int i = 0; i < loaded.length; i++) {
            DType dtype = group.inputs().get(i);
            loaded[i] = switch (modes.get(i)) {
                case DIRECT -> {
                    inputs.add(Access.segment(stored(dtype), dtype.bytes()));
                    yield fromStorage(m, dtype, m.input(inputs.size() - 1, stored(dtype)));
                }
                case SCRATCH -> {
                    Kind kind = Kind.of(dtype);
                    inputs.add(Access.array(kind.stored()));
                    yield fromStored(m, kind, m.input(inputs.size() - 1, kind.stored()));
                }
                case UNIFORM -> {
                    Kind kind = Kind.of(dtype);
                    scalars.add(kind.stored());
                    yield fromStored(m, kind, m.scalar(scalars.size() - 1, kind.stored()));
                }
            };
        }
        Value[] values = new Value[group.body().size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = value(m, group, i, values, loaded);
        }
        List<Store> stores = new ArrayList<>();
        List<LoopProgram.Fold> folds = new ArrayList<>();
        for (int i = 0; i < sinks.size(); i++) {
            Group.Result result = group.results().get(i);
            Value value = values[result.value()];
            Kind kind = value.kind().stored();
            switch (sinks.get(i)) {
                case DIRECT -> stores.add(new Store(Access.segment(stored(result.dtype()), result.dtype().bytes()),
                    toStorage(m, result.dtype(), value)));
                case SCRATCH -> stores.add(new Store(Access.array(kind), m.convert(value, kind)));
                case ACCUMULATE -> {
                    inputs.add(Access.array(kind));
                    Value partial = m.input(inputs.size() - 1, kind);
                    stores.add(new Store(Access.array(kind), fold(m, result.reduce(), partial, m.convert(value, kind))));
                }
                case LANES -> folds.add(Fold.intoLanes(result.reduce(), m.convert(value, kind)));
            }
        }
        return new LoopProgram(inputs, scalars, stores, folds);
    }

    static Value fold(Machine m, ReduceOp op, Value partial, Value value) {
        return switch (op) {
            case SUM -> m.add(partial, value);
            case MAX -> m.max(partial, value);
            case MIN -> m.min(partial, value);
            case PROD -> m.mul(partial, value);
        };
    }

    private static Value value(Machine m, Group group, int line, Value[] values, Value[] loaded) {
        return switch (group.body().get(line)) {
            case Instruction.Load load -> loaded[load.input()];
            case Instruction.Scalar scalar -> fromStored(m, Kind.of(scalar.dtype()),
                m.scalar(scalar.index(), Kind.of(scalar.dtype()).stored()));
            case Instruction.Unary unary -> Expressions.unary(m, unary.op(), group.body().get(unary.a()).dtype(),
                values[unary.a()]);
            case Instruction.Binary binary -> Expressions.binary(m, binary.op(), group.body().get(binary.a()).dtype(),
                values[binary.a()], values[binary.b()]);
            case Instruction.Where where -> m.select(values[where.condition()], values[where.a()], values[where.b()]);
            case Instruction.Cast cast -> Expressions.cast(m, cast.target(), group.body().get(cast.a()).dtype(),
                values[cast.a()]);
        };
    }

    /** The lanes that an element of memory is read into. */
    static Kind stored(DType dtype) {
        return dtype.isHalf() ? Kind.I32 : Kind.of(dtype).stored();
    }

    private static Value fromStored(Machine m, Kind kind, Value value) {
        return kind == Kind.MASK ? m.convert(value, Kind.MASK) : value;
    }

    static Value fromStorage(Machine m, DType dtype, Value value) {
        return switch (dtype) {
            case F16 -> Rounding.fromF16(m, value);
            case BF16 -> Rounding.fromBf16(m, value);
            case BOOL -> m.convert(value, Kind.MASK);
            case U8, I32, I64, F32, F64 -> value;
        };
    }

    static Value toStorage(Machine m, DType dtype, Value value) {
        return switch (dtype) {
            case F16 -> Rounding.toF16(m, value);
            case BF16 -> Rounding.toBf16(m, value);
            case BOOL -> m.convert(value, Kind.I32);
            case U8, I32, I64, F32, F64 -> value;
        };
    }
}
