package org.adjoint.cpu.group;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.adjoint.cpu.Parallel;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.Halves;
import org.adjoint.graph.ReduceOp;
import org.adjoint.graph.Shape;
import org.adjoint.graph.UnaryOp;
import org.adjoint.plan.Group;
import org.adjoint.plan.Instruction;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;
import org.junit.jupiter.api.Test;

class GroupTest {
    /** Tasks one after the other, the last first. */
    static final Parallel BACKWARDS = new Parallel() {
        @Override
        public int workers() {
            return 1;
        }

        @Override
        public void run(int tasks, Body body) {
            for (int task = tasks - 1; task >= 0; task--) {
                body.run(task, 0);
            }
        }
    };

    /** Tasks on two threads, every other one each. */
    static final Parallel TWO = new Parallel() {
        @Override
        public int workers() {
            return 2;
        }

        @Override
        public void run(int tasks, Body body) {
            Thread other = new Thread(() -> every(tasks, 1, body));
            other.start();
            every(tasks, 0, body);
            try {
                other.join();
            } catch (InterruptedException interrupted) {
                throw new IllegalStateException(interrupted);
            }
        }

        private void every(int tasks, int first, Body body) {
            for (int task = first; task < tasks; task += 2) {
                body.run(task, first);
            }
        }
    };

    @Test
    void widthsTiersAndWorkersGiveTheSameBits() {
        List<GroupCompiler> compilers = new ArrayList<>();
        for (int width : new int[] {0, 128, 256, 512}) {
            compilers.add(new GroupCompiler(width, Tier.COMPILED));
            compilers.add(new GroupCompiler(width, Tier.BLOCKS));
        }
        compilers.add(new GroupCompiler(512, Tier.ADAPTIVE));
        for (int seed = 0; seed < 50; seed++) {
            RandomStep step = new RandomStep(seed, false);
            List<byte[]> expected = step.run(compilers.getFirst(), BACKWARDS);
            assertTrue(step.guardsHold(expected), "guards of " + step.step);
            for (int i = 1; i < compilers.size(); i++) {
                List<byte[]> actual = step.run(compilers.get(i), i % 2 == 0 ? TWO : BACKWARDS);
                for (int k = 0; k < expected.size(); k++) {
                    assertArrayEquals(expected.get(k), actual.get(k),
                        "seed " + seed + " compiler " + i + " output " + k + " of " + step.step);
                }
            }
        }
        compilers.forEach(GroupCompiler::close);
    }

    @Test
    void groupsComputeWhatPlainJavaComputes() {
        try (GroupCompiler compiler = new GroupCompiler(256, Tier.COMPILED)) {
            for (int seed = 1000; seed < 1150; seed++) {
                RandomStep step = new RandomStep(seed, true);
                try (Arena arena = Arena.ofShared()) {
                    MemorySegment[] slots = step.memory(arena);
                    compiler.prepare(step.step).run(slots, step.planScalars, BACKWARDS);
                    check(step, slots, "seed " + seed + " " + step.step);
                }
            }
        }
    }

    /** The first result overwrites the input that the second still needs. */
    @Test
    void anOutputMayBeTheMemoryOfAnInput() {
        int n = 5000;
        Group group = new Group(List.of(DType.F32), List.of(), List.of(new Instruction.Load(0, DType.F32),
            new Instruction.Unary(UnaryOp.NEG, 0, DType.F32), new Instruction.Binary(BinaryOp.ADD, 0, 0, DType.F32)),
            List.of(new Group.Result(1, DType.F32, null), new Group.Result(2, DType.F32, null)));
        View input = View.contiguous(0, DType.F32, Shape.of(n));
        PlanStep.Elementwise step = new PlanStep.Elementwise(group, new long[] {n}, 0, List.of(input),
            List.of(input, View.contiguous(1, DType.F32, Shape.of(n))), new int[0]);
        for (Tier tier : Tier.values()) {
            try (Arena arena = Arena.ofShared(); GroupCompiler compiler = new GroupCompiler(512, tier)) {
                MemorySegment[] slots = {arena.allocate(4L * n), arena.allocate(4L * n)};
                for (int i = 0; i < n; i++) {
                    slots[0].setAtIndex(ValueLayout.JAVA_FLOAT, i, i);
                }
                compiler.prepare(step).run(slots, new long[0], BACKWARDS);
                for (int i = 0; i < n; i++) {
                    assertEquals(-(float) i, slots[0].getAtIndex(ValueLayout.JAVA_FLOAT, i), tier.name());
                    assertEquals(2f * i, slots[1].getAtIndex(ValueLayout.JAVA_FLOAT, i), tier.name());
                }
            }
        }
    }

    /** HotSpot compiles no method of 8,000 bytes: such a group is run block by block. */
    @Test
    void aGroupTooLargeToCompileRuns() {
        List<Instruction> body = new ArrayList<>(List.of(new Instruction.Load(0, DType.F32)));
        for (int i = 0; i < 3000; i++) {
            body.add(new Instruction.Binary(BinaryOp.ADD, i, 0, DType.F32));
        }
        Group group = new Group(List.of(DType.F32), List.of(), body, List.of(new Group.Result(3000, DType.F32, null)));
        PlanStep.Elementwise step = new PlanStep.Elementwise(group, new long[] {3}, 0,
            List.of(View.contiguous(0, DType.F32, Shape.of(3))), List.of(View.contiguous(1, DType.F32, Shape.of(3))),
            new int[0]);
        try (Arena arena = Arena.ofShared(); GroupCompiler compiler = new GroupCompiler(512, Tier.COMPILED)) {
            MemorySegment[] slots = {arena.allocate(12), arena.allocate(12)};
            slots[0].setAtIndex(ValueLayout.JAVA_FLOAT, 1, 2f);
            compiler.prepare(step).run(slots, new long[0], BACKWARDS);
            assertEquals(6002f, slots[1].getAtIndex(ValueLayout.JAVA_FLOAT, 1));
        }
    }

    private static void check(RandomStep random, MemorySegment[] slots, String message) {
        PlanStep.Elementwise step = random.step;
        int results = step.outputs().size();
        long kept = 1;
        long folded = 1;
        for (int axis = 0; axis < step.extents().length; axis++) {
            if (axis < step.extents().length - step.reducedAxes()) {
                kept *= step.extents()[axis];
            } else {
                folded *= step.extents()[axis];
            }
        }
        for (long row = 0; row < kept; row++) {
            double[] sum = new double[results];
            double[] magnitude = new double[results];
            long[] whole = new long[results];
            double[] extreme = new double[results];
            double[] product = new double[results];
            long[] wholeProduct = new long[results];
            double[] exponents = new double[results];
            Arrays.fill(product, 1);
            Arrays.fill(wholeProduct, 1);
            for (long point = 0; point < folded; point++) {
                long[] index = index(step.extents(), row * folded + point);
                Object[] values = NaiveGroups.point(step, slots, random.planScalars, index);
                for (int i = 0; i < results; i++) {
                    Group.Result result = step.group().results().get(i);
                    Object value = values[result.value()];
                    if (result.reduce() == null) {
                        same(rounded(value, result.dtype()), NaiveGroups.load(step.outputs().get(i), slots, index),
                            message);
                        continue;
                    }
                    double real = value instanceof Boolean flag ? flag ? 1 : 0 : ((Number) value).doubleValue();
                    sum[i] += real;
                    magnitude[i] += Math.abs(real);
                    whole[i] += value instanceof Number number ? number.longValue() : 0;
                    product[i] *= real;
                    wholeProduct[i] *= value instanceof Number number ? number.longValue() : 0;
                    exponents[i] += Math.abs(Math.log(Math.abs(real)));
                    extreme[i] = point == 0 ? real : result.reduce() == ReduceOp.MAX ? Math.max(extreme[i], real)
                        : Math.min(extreme[i], real);
                }
            }
            for (int i = 0; i < results; i++) {
                Group.Result result = step.group().results().get(i);
                if (result.reduce() != null) {
                    View output = step.outputs().get(i);
                    Object actual = NaiveGroups.load(output, slots, index(step.extents(), row * Math.max(1, folded)));
                    double real = actual instanceof Boolean flag ? flag ? 1 : 0 : ((Number) actual).doubleValue();
                    if (result.reduce() == ReduceOp.PROD && result.dtype().isFloating()) {
                        nearProduct(result.dtype(), product[i], exponents[i], folded, real, message);
                    } else if (result.reduce().isChoice()) {
                        double expected = result.dtype().isFloating() ? Halves.round(result.dtype(), extreme[i])
                            : extreme[i];
                        assertTrue(Double.compare(expected, real) == 0, message + ": " + expected + " but " + real);
                    } else if (!result.dtype().isFloating()) {
                        long all = result.reduce() == ReduceOp.SUM ? whole[i] : wholeProduct[i];
                        long bits = result.dtype() == DType.U8 ? all & 255
                            : result.dtype() == DType.I32 ? (int) all : all;
                        assertTrue(((Number) actual).longValue() == bits, message + ": " + bits + " but " + actual);
                    } else {
                        near(result.dtype(), sum[i], magnitude[i], real, message);
                    }
                }
            }
        }
    }

    /** Chunks of 64 additions per lane, and few chunks: the bound of a sum of depth 100. */
    private static void near(DType dtype, double sum, double magnitude, double actual, String message) {
        boolean overflows = magnitude > (dtype == DType.F64 ? Double.MAX_VALUE : dtype == DType.F16 ? 60000 : 1e38);
        if (overflows || Double.isNaN(sum)) {
            assertTrue(!Double.isNaN(sum) || Double.isNaN(actual), message + ": " + sum + " but " + actual);
            return;
        }
        double accumulate = 100 * (dtype == DType.F64 ? 0x1p-53 : 0x1p-24) * magnitude;
        double store = dtype.epsilon() * Math.abs(sum) + 1e-7 * (dtype == DType.F16 ? 1 : 0) + Float.MIN_VALUE;
        assertTrue(Math.abs(actual - sum) <= accumulate + store, message + ": " + sum + " but " + actual);
    }


    /** Half an ulp for each factor, where no part of the product can leave the range of the type. */
    private static void nearProduct(DType dtype, double product, double exponents, long factors, double actual,
        String message) {
        if (Double.isNaN(product)) {
            assertTrue(Double.isNaN(actual), message + ": " + product + " but " + actual);
        } else if (exponents < (dtype == DType.F64 ? 700 : 80)) {
            double rounded = Halves.round(dtype, product);
            double computed = factors * (dtype == DType.F64 ? 0x1p-53 : 0x1p-24) * Math.abs(product);
            double stored = dtype.epsilon() * Math.abs(product) + (dtype == DType.F16 ? 1e-7 : 0);
            assertTrue(rounded == actual || Math.abs(actual - product) <= computed + stored,
                message + ": " + product + " but " + actual);
        }
    }

    private static long[] index(long[] extents, long linear) {
        long[] index = new long[extents.length];
        for (int axis = extents.length - 1; axis >= 0; axis--) {
            index[axis] = extents[axis] == 0 ? 0 : linear % extents[axis];
            linear /= Math.max(1, extents[axis]);
        }
        return index;
    }

    private static Object rounded(Object value, DType dtype) {
        return dtype.isHalf() ? (Object) (float) Halves.round(dtype, (float) value) : value;
    }

    private static void same(Object expected, Object actual, String message) {
        assertTrue(expected.equals(actual), () -> message + ": " + expected + " but " + actual);
    }
}
