package org.adjoint.cuda.group;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.adjoint.cuda.launch.Copy;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;
import org.adjoint.plan.Group;
import org.adjoint.plan.Instruction;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Copies between layouts move every bit to its place, also those of signalling NaNs. */
class CopyTest {
    private static final int[] SIZES = {1, 13, 31, 32, 33, 70, 136};

    @BeforeAll
    static void open() {
        StepRun.open();
    }

    @AfterAll
    static void close() {
        StepRun.close();
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"U8", "BF16", "F16", "F32", "I64"})
    void transposed(DType dtype) {
        for (int rows : SIZES) {
            for (int columns : SIZES) {
                check(dtype, new long[] {rows, columns}, new long[] {1, rows}, 0, false);
            }
        }
        // A batch, padded rows, an offset.
        check(dtype, new long[] {3, 40, 50}, new long[] {2500, 1, 45}, 7, false);
        check(dtype, new long[] {40, 3, 50}, new long[] {1, 2100, 41}, 0, false);
        check(dtype, new long[] {40, 50}, new long[] {1, 40}, 0, true);
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"U8", "BF16", "F32", "I64"})
    void strided(DType dtype) {
        check(dtype, new long[] {9, 64}, new long[] {80, 1}, 16, false);
        check(dtype, new long[] {9, 61}, new long[] {62, 1}, 1, false);
        check(dtype, new long[] {9, 64}, new long[] {67, 1}, 3, false);
        check(dtype, new long[] {5, 9, 28}, new long[] {1, 90, 3}, 0, false);
        check(dtype, new long[] {9, 14}, new long[] {-20, -1}, 300, false);
        check(dtype, new long[] {9, 61}, new long[] {-61, 1}, 8 * 61, false);
        check(dtype, new long[] {5, 6, 7}, new long[] {2, 0, 11}, 0, false);
        check(dtype, new long[] {1000}, new long[] {1}, 3, false);
    }

    private static void check(DType dtype, long[] extents, long[] strides, long offset, boolean padded) {
        Shape shape = Shape.of(extents);
        View source = new View(0, dtype, shape, strides, offset);
        long[] targetStrides = shape.contiguousStrides();
        if (padded) {
            targetStrides[0] += 5;
        }
        View target = new View(1, dtype, shape, targetStrides, padded ? 2 : 0);
        int most = 20_000;
        byte[] bytes = new byte[most * dtype.bytes()];
        SplittableRandom random = new SplittableRandom(1);
        random.nextBytes(bytes);
        byte[] expected = new byte[bytes.length];
        for (long i = 0; i < shape.elements(); i++) {
            StepRun.put(MemorySegment.ofArray(expected), dtype, at(target, i),
                StepRun.bits(MemorySegment.ofArray(bytes), dtype, at(source, i)));
        }
        Group group = new Group(List.of(dtype), List.of(), List.of(new Instruction.Load(0, dtype.computeType())),
            List.of(new Group.Result(0, dtype, null)));
        PlanStep.Elementwise step = new PlanStep.Elementwise(group, extents, 0, List.of(source), List.of(target),
            new int[0]);
        List<byte[]> slots = new ArrayList<>(List.of(bytes, new byte[bytes.length]));
        assertArrayEquals(expected, StepRun.onCuda(step, slots).get(1), source + " to " + target);
    }

    private static long at(View view, long element) {
        long at = view.offset();
        for (int axis = view.shape().rank() - 1; axis >= 0; axis--) {
            at += element % view.shape().extent(axis) * view.strides()[axis];
            element /= view.shape().extent(axis);
        }
        return at;
    }

    @Test
    void theKindOfCopy() {
        GroupCompiler compiler = new GroupCompiler();
        View whole = StepRun.contiguous(0, DType.F32, 4, 50, 60);
        View target = StepRun.contiguous(1, DType.F32, 4, 50, 60);
        assertEquals(Copy.class, compiler.copy(whole, target).work().getFirst().getClass());
        View transposed = new View(0, DType.F32, whole.shape(), new long[] {3000, 1, 50}, 0);
        Launch launch = (Launch) compiler.copy(transposed, target).work().getFirst();
        assertEquals("transpose_i32", launch.function());
        assertEquals(List.of(), compiler.copy(StepRun.contiguous(0, DType.F32, 0, 3),
            StepRun.contiguous(1, DType.F32, 0, 3)).work());
        assertThrows(IllegalArgumentException.class, () -> compiler.copy(whole, StepRun.contiguous(1, DType.F32, 7)));
    }
}
