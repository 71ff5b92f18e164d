package org.adjoint.cpu.group;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;
import org.adjoint.plan.Group;
import org.adjoint.plan.Instruction;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Minimum and maximum with a scalar, which are compiled in another way than those of two tensors. */
class BoundsTest {
    private static final double[] SPECIAL = {0.0, -0.0, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY,
        Float.MIN_VALUE, -Float.MIN_VALUE, Double.MIN_VALUE, -Double.MIN_VALUE, 1, -1, Float.MAX_VALUE,
        -Float.MAX_VALUE, Double.MAX_VALUE, -Double.MAX_VALUE, 1e-40, -1e-40};

    @ParameterizedTest
    @ValueSource(ints = {0, 128, 256, 512})
    void boundsAreAsExactAsTheGeneralOperations(int widthBits) {
        try (GroupCompiler compiler = new GroupCompiler(widthBits, Tier.COMPILED); Arena arena = Arena.ofConfined()) {
            for (DType dtype : List.of(DType.F32, DType.F64)) {
                for (BinaryOp op : List.of(BinaryOp.MIN, BinaryOp.MAX)) {
                    for (boolean scalarFirst : new boolean[] {false, true}) {
                        check(compiler, arena, dtype, op, scalarFirst);
                    }
                }
            }
        }
    }

    private static void check(GroupCompiler compiler, Arena arena, DType dtype, BinaryOp op, boolean scalarFirst) {
        List<Instruction> body = List.of(new Instruction.Load(0, dtype), new Instruction.Scalar(0, dtype),
            new Instruction.Binary(op, scalarFirst ? 1 : 0, scalarFirst ? 0 : 1, dtype));
        Group group = new Group(List.of(dtype), List.of(dtype), body, List.of(new Group.Result(2, dtype, null)));
        Shape shape = Shape.of(SPECIAL.length);
        var step = new PlanStep.Elementwise(group, shape.toArray(), 0, List.of(View.contiguous(0, dtype, shape)),
            List.of(View.contiguous(1, dtype, shape)), new int[] {0});
        MemorySegment[] slots = {arena.allocate(512, 64), arena.allocate(512, 64)};
        for (int i = 0; i < SPECIAL.length; i++) {
            set(slots[0], dtype, i, SPECIAL[i]);
        }
        var kernel = compiler.prepare(step);
        for (double special : SPECIAL) {
            double bound = dtype == DType.F32 ? (float) special : special;
            kernel.run(slots, new long[] {Double.doubleToRawLongBits(bound)}, GroupTest.BACKWARDS);
            for (int i = 0; i < SPECIAL.length; i++) {
                double x = get(slots[0], dtype, i);
                double expected = op == BinaryOp.MIN ? Math.min(x, bound) : Math.max(x, bound);
                assertEquals(expected, get(slots[1], dtype, i), op + " of " + x + " and " + bound + " as " + dtype);
            }
        }
    }

    private static void set(MemorySegment memory, DType dtype, int index, double value) {
        if (dtype == DType.F32) {
            memory.setAtIndex(ValueLayout.JAVA_FLOAT, index, (float) value);
        } else {
            memory.setAtIndex(ValueLayout.JAVA_DOUBLE, index, value);
        }
    }

    private static double get(MemorySegment memory, DType dtype, int index) {
        return dtype == DType.F32 ? memory.getAtIndex(ValueLayout.JAVA_FLOAT, index)
            : memory.getAtIndex(ValueLayout.JAVA_DOUBLE, index);
    }
}
