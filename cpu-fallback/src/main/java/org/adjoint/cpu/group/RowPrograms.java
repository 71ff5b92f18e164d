package org.adjoint.cpu.group;

import java.util.ArrayList;
import java.util.List;
import org.adjoint.cpu.group.LoopProgram.Access;
import org.adjoint.cpu.group.LoopProgram.Fold;
import org.adjoint.cpu.group.LoopProgram.FoldOp;
import org.adjoint.cpu.group.LoopProgram.Store;
import org.adjoint.cpu.group.Machine.Value;
import org.adjoint.graph.DType;
import org.adjoint.graph.UnaryOp;

/** The loops of {@link RowKernels}. */
final class RowPrograms {
    /**
     * A loop over rows of {@code F32} or {@code F64}: its inputs, then scalars, in the order of the method's
     * parameters.
     */
    enum Row {
        SUM, MAX, DOT, SUM_SQUARES, EXP, EXP_SUM, SCALE, SHIFT_SCALE, ADD_SCALED, ADD, MULTIPLY, MULTIPLY_ADD,
        MULTIPLY_SHIFTED
    }

    private RowPrograms() { }

    static LoopProgram of(Row row, Kind kind) {
        Machine m = new Machine();
        Value a = m.input(0, kind);
        return switch (row) {
            case SUM -> fold(kind, FoldOp.SUM, a, null);
            case MAX -> fold(kind, FoldOp.MAX, a, null);
            case DOT -> fold(kind, FoldOp.FMA, a, m.input(1, kind));
            case SUM_SQUARES -> {
                Value deviation = m.sub(a, m.scalar(0, kind));
                yield new LoopProgram(inputs(kind, 1), List.of(kind), List.of(),
                    List.of(new Fold(FoldOp.FMA, deviation, deviation, kind.virtualLanes())));
            }
            case EXP -> store(kind, 1, 1, Exponentials.exp(m, m.sub(a, m.scalar(0, kind))));
            case EXP_SUM -> {
                Value y = Exponentials.exp(m, m.sub(a, m.scalar(0, kind)));
                yield new LoopProgram(inputs(kind, 1), List.of(kind), List.of(new Store(Access.array(kind), y)),
                    List.of(new Fold(FoldOp.SUM, y, null, kind.virtualLanes())));
            }
            case SCALE -> store(kind, 1, 1, m.mul(a, m.scalar(0, kind)));
            case SHIFT_SCALE -> store(kind, 1, 2, m.mul(m.sub(a, m.scalar(0, kind)), m.scalar(1, kind)));
            case ADD_SCALED -> store(kind, 2, 1, m.fma(m.scalar(0, kind), a, m.input(1, kind)));
            case ADD -> store(kind, 2, 0, m.add(a, m.input(1, kind)));
            case MULTIPLY -> store(kind, 2, 0, m.mul(a, m.input(1, kind)));
            case MULTIPLY_ADD -> store(kind, 3, 0, m.fma(a, m.input(1, kind), m.input(2, kind)));
            case MULTIPLY_SHIFTED -> store(kind, 2, 1, m.mul(a, m.sub(m.input(1, kind), m.scalar(0, kind))));
        };
    }

    static LoopProgram of(UnaryOp op, Kind kind) {
        Machine m = new Machine();
        return store(kind, 1, 0, Expressions.unary(m, op, kind == Kind.F32 ? DType.F32 : DType.F64, m.input(0, kind)));
    }

    /** From memory to a row. */
    static LoopProgram widen(DType dtype) {
        Machine m = new Machine();
        Value value = GroupLoop.fromStorage(m, dtype, m.input(0, GroupLoop.stored(dtype)));
        return new LoopProgram(List.of(Access.segment(GroupLoop.stored(dtype), dtype.bytes())), List.of(),
            List.of(new Store(Access.array(Kind.F32), value)), List.of());
    }

    /** From a row to memory. */
    static LoopProgram narrow(DType dtype) {
        Machine m = new Machine();
        Value value = GroupLoop.toStorage(m, dtype, m.input(0, Kind.F32));
        return new LoopProgram(inputs(Kind.F32, 1), List.of(),
            List.of(new Store(Access.segment(GroupLoop.stored(dtype), dtype.bytes()), value)), List.of());
    }

    private static LoopProgram fold(Kind kind, FoldOp op, Value a, Value b) {
        return new LoopProgram(inputs(kind, b == null ? 1 : 2), List.of(), List.of(),
            List.of(new Fold(op, a, b, kind.virtualLanes())));
    }

    private static LoopProgram store(Kind kind, int inputs, int scalars, Value value) {
        return new LoopProgram(inputs(kind, inputs), inputKinds(kind, scalars),
            List.of(new Store(Access.array(kind), value)), List.of());
    }

    private static List<Access> inputs(Kind kind, int count) {
        List<Access> inputs = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            inputs.add(Access.array(kind));
        }
        return inputs;
    }

    private static List<Kind> inputKinds(Kind kind, int count) {
        List<Kind> kinds = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            kinds.add(kind);
        }
        return kinds;
    }
}
