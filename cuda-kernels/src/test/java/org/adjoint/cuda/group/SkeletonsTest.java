package org.adjoint.cuda.group;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.ReduceOp;
import org.adjoint.graph.Shape;
import org.adjoint.graph.UnaryOp;
import org.adjoint.plan.Group;
import org.adjoint.plan.Instruction;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The loops of groups over awkward sizes and layouts, against the CPU backend and against sums in double. */
class SkeletonsTest {
    private static final int RANDOM_STEPS = 120;

    @BeforeAll
    static void open() {
        StepRun.open();
    }

    @AfterAll
    static void close() {
        StepRun.close();
    }

    @Test
    void randomLayouts() {
        for (int seed = 0; seed < RANDOM_STEPS; seed++) {
            RandomGroup random = new RandomGroup(seed);
            StepRun.assertSameBits("seed " + seed + " of " + random.step, random.step,
                StepRun.onCpu(random.step, random.slots, random.scalars),
                StepRun.onCuda(random.step, random.slots, random.scalars));
        }
    }

    /** A result takes the place of an operand that lies in the same way. */
    @Test
    void inPlace() {
        Group group = new Group(List.of(DType.F32, DType.F32), List.of(),
            List.of(new Instruction.Load(0, DType.F32), new Instruction.Load(1, DType.F32),
                new Instruction.Binary(BinaryOp.ADD, 0, 1, DType.F32),
                new Instruction.Unary(UnaryOp.EXP, 2, DType.F32)),
            List.of(new Group.Result(3, DType.F32, null), new Group.Result(2, DType.F32, null)));
        for (int n : new int[] {1, 13, 207, 702, 4098}) {
            View x = StepRun.contiguous(0, DType.F32, n);
            View y = StepRun.contiguous(1, DType.F32, n);
            PlanStep.Elementwise step = new PlanStep.Elementwise(group, new long[] {n}, 0, List.of(x, y), List.of(y, x),
                new int[0]);
            List<byte[]> slots = List.of(floats(n, 1), floats(n, 2));
            StepRun.assertSameBits("" + n, step, StepRun.onCpu(step, slots), StepRun.onCuda(step, slots));
        }
    }

    /** Inputs of two types that lie across the result, one along it and one of its rows; a second result. */
    @ParameterizedTest
    @CsvSource({"1, 32, 32", "1, 33, 70", "3, 40, 50", "2, 64, 96", "5, 34, 130"})
    void transposedInputs(int batch, int rows, int columns) {
        Group group = new Group(List.of(DType.BF16, DType.F32, DType.F32, DType.BF16), List.of(),
            List.of(new Instruction.Load(0, DType.F32), new Instruction.Load(1, DType.F32),
                new Instruction.Load(2, DType.F32), new Instruction.Load(3, DType.F32),
                new Instruction.Binary(BinaryOp.ADD, 0, 1, DType.F32),
                new Instruction.Binary(BinaryOp.MUL, 4, 2, DType.F32),
                new Instruction.Binary(BinaryOp.SUB, 5, 3, DType.F32)),
            List.of(new Group.Result(6, DType.BF16, null), new Group.Result(4, DType.F32, null)));
        long[] extents = {batch, rows, columns};
        Shape shape = Shape.of(extents);
        long[] along = {(long) rows * columns, columns, 1};
        long[] across = {(long) rows * columns, 1, rows};
        PlanStep.Elementwise step = new PlanStep.Elementwise(group, extents, 0,
            List.of(new View(0, DType.BF16, shape, across, 0), new View(1, DType.F32, shape, across, 0),
                new View(2, DType.F32, shape, along, 0), new View(3, DType.BF16, shape, new long[] {0, 1, 0}, 0)),
            List.of(new View(4, DType.BF16, shape, along, 0), new View(5, DType.F32, shape, along, 0)), new int[0]);
        int points = (int) shape.elements();
        byte[] halves = new byte[2 * points];
        new SplittableRandom(3).nextBytes(halves);
        for (int i = 1; i < halves.length; i += 2) {
            halves[i] &= (byte) 0xbf;
        }
        List<byte[]> slots = List.of(halves, floats(points, 1), floats(points, 2), halves, new byte[2 * points],
            new byte[4 * points]);
        StepRun.assertSameBits(shape.toString(), step, StepRun.onCpu(step, slots), StepRun.onCuda(step, slots));
    }

    /** Extents, strides of the input, and how many trailing axes are folded. */
    record Layout(long[] extents, long[] strides, int reduced) {
        @Override
        public String toString() {
            return reduced + " of " + Arrays.toString(extents) + ", strides " + Arrays.toString(strides);
        }
    }

    static Stream<Layout> reductions() {
        return Stream.of(
            rows(1, 1), rows(3, 13), rows(5, 31), rows(2, 1024), rows(2, 1025), rows(1, 4098), rows(3, 40_001),
            rows(1, 100_003), rows(700, 2),
            columns(1, 33), columns(16, 207), columns(33, 702), columns(207, 9), columns(32, 30_000), columns(70, 8),
            columns(128, 60), columns(132, 2000), columns(256, 1),
            new Layout(new long[] {3, 5, 70, 80}, new long[] {28_000, 80, 400, 1}, 2),
            new Layout(new long[] {3, 64, 7, 50}, new long[] {22_400, 1, 3200, 64}, 2),
            new Layout(new long[] {4, 0}, new long[] {1, 1}, 1),
            new Layout(new long[] {40, 0}, new long[] {1, 40}, 1));
    }

    private static Layout rows(long rows, long length) {
        return new Layout(new long[] {rows, length}, new long[] {length, 1}, 1);
    }

    private static Layout columns(long columns, long length) {
        return new Layout(new long[] {columns, length}, new long[] {1, columns}, 1);
    }

    @ParameterizedTest
    @MethodSource("reductions")
    void sums(Layout layout) {
        Shape shape = Shape.of(layout.extents);
        int kept = layout.extents.length - layout.reduced;
        long results = 1;
        long[] strides = new long[layout.extents.length];
        for (int axis = kept - 1; axis >= 0; axis--) {
            strides[axis] = results;
            results *= layout.extents[axis];
        }
        int length = (int) (shape.elements() / results);
        Group group = new Group(List.of(DType.F32), List.of(),
            List.of(new Instruction.Load(0, DType.F32), new Instruction.Unary(UnaryOp.ABS, 0, DType.F32)),
            List.of(new Group.Result(0, DType.F32, ReduceOp.SUM), new Group.Result(1, DType.F32, ReduceOp.SUM)));
        List<View> outputs = List.of(new View(1, DType.F32, shape, strides, 0),
            new View(2, DType.F32, shape, strides, 0));
        PlanStep.Elementwise step = new PlanStep.Elementwise(group, layout.extents, layout.reduced,
            List.of(new View(0, DType.F32, shape, layout.strides, 0)), outputs, new int[0]);
        List<byte[]> slots = new ArrayList<>(List.of(floats(Math.max(1, (int) shape.elements()), 3),
            new byte[(int) (4 * results)], new byte[(int) (4 * results)]));
        List<byte[]> actual = StepRun.onCuda(step, slots);
        for (long row = 0; row < results; row++) {
            double sum = 0;
            double size = 0;
            for (long i = 0; i < length; i++) {
                float x = value(slots.getFirst(), at(layout, row * length + i));
                sum += x;
                size += Math.abs(x);
            }
            // A thread adds at most every 32nd element, then 16 or fewer are folded, twice.
            double bound = (length / 32 + 20) * 0x1p-24 * size;
            assertEquals(sum, value(actual.get(1), row), bound);
            assertEquals(size, value(actual.get(2), row), bound);
        }
    }

    /** Four results at once, with values that are exact in every order: every fold, and the points themselves. */
    @ParameterizedTest
    @EnumSource(value = DType.class, names = "BOOL", mode = EnumSource.Mode.EXCLUDE)
    void everyDtype(DType dtype) {
        for (Layout layout : List.of(rows(3, 1040), rows(2, 17_003), columns(256, 300), columns(40, 35))) {
            Shape shape = Shape.of(layout.extents);
            byte[] bytes = new byte[(int) shape.elements() * dtype.bytes()];
            SplittableRandom random = new SplittableRandom(dtype.ordinal());
            for (long i = 0; i < shape.elements(); i++) {
                StepRun.put(MemorySegment.ofArray(bytes), dtype, i, StepRun.bits(dtype, random.nextInt(4)));
            }
            List<byte[]> slots = new ArrayList<>(List.of(bytes));
            List<Group.Result> results = new ArrayList<>();
            List<View> outputs = new ArrayList<>();
            for (ReduceOp op : new ReduceOp[] {ReduceOp.SUM, ReduceOp.MAX, ReduceOp.MIN, null}) {
                results.add(new Group.Result(1, dtype, op));
                outputs.add(new View(slots.size(), dtype, shape, op == null ? layout.strides : new long[] {1, 0}, 0));
                slots.add(new byte[op == null ? bytes.length : (int) layout.extents[0] * dtype.bytes()]);
            }
            DType computed = dtype.computeType();
            Group group = new Group(List.of(dtype), List.of(), List.of(new Instruction.Load(0, computed),
                new Instruction.Binary(BinaryOp.ADD, 0, 0, computed)), results);
            PlanStep.Elementwise step = new PlanStep.Elementwise(group, layout.extents, 1,
                List.of(new View(0, dtype, shape, layout.strides, 0)), outputs, new int[0]);
            StepRun.assertSameBits(dtype + ", " + layout, step, StepRun.onCpu(step, slots),
                StepRun.onCuda(step, slots));
        }
    }

    private static long at(Layout layout, long element) {
        long at = 0;
        for (int axis = layout.extents.length - 1; axis >= 0; axis--) {
            at += element % layout.extents[axis] * layout.strides[axis];
            element /= layout.extents[axis];
        }
        return at;
    }

    /** NaN wins, -0 is less than 0; there is a NaN, a zero or an infinity in each place of a row now and then. */
    @Test
    void extremesOfSpecialValues() {
        float[] special = {0, -0f, Float.NaN, Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY, Float.MIN_VALUE};
        for (boolean columns : new boolean[] {false, true}) {
            int rows = 200;
            int length = 70;
            SplittableRandom random = new SplittableRandom(5);
            byte[] bytes = new byte[4 * rows * length];
            for (int row = 0; row < rows; row++) {
                int kinds = 1 + random.nextInt(special.length);
                for (int i = 0; i < length; i++) {
                    float value = special[random.nextInt(kinds)];
                    value = Float.isNaN(value) && random.nextInt(50) > 0 ? -0f : value;
                    StepRun.put(MemorySegment.ofArray(bytes), DType.F32, columns ? i * rows + row : row * length + i,
                        Float.floatToRawIntBits(value));
                }
            }
            Group group = new Group(List.of(DType.F32), List.of(), List.of(new Instruction.Load(0, DType.F32)),
                List.of(new Group.Result(0, DType.F32, ReduceOp.MAX), new Group.Result(0, DType.F32, ReduceOp.MIN)));
            long[] extents = {rows, length};
            long[] strides = columns ? new long[] {1, rows} : new long[] {length, 1};
            View input = new View(0, DType.F32, Shape.of(extents), strides, 0);
            List<View> outputs = List.of(new View(1, DType.F32, Shape.of(extents), new long[] {1, 0}, 0),
                new View(2, DType.F32, Shape.of(extents), new long[] {1, 0}, 0));
            PlanStep.Elementwise step = new PlanStep.Elementwise(group, extents, 1, List.of(input), outputs,
                new int[0]);
            List<byte[]> slots = List.of(bytes, new byte[4 * rows], new byte[4 * rows]);
            StepRun.assertSameBits("columns " + columns, step, StepRun.onCpu(step, slots), StepRun.onCuda(step, slots));
        }
    }

    /** The sum of nothing, but along an axis so long that points are counted in 64 bits. */
    @Test
    void sumsOfNothingInALargeDomain() {
        long[] extents = {3, 4, 1L << 31, 0};
        Group group = new Group(List.of(DType.F32), List.of(), List.of(new Instruction.Load(0, DType.F32)),
            List.of(new Group.Result(0, DType.F32, ReduceOp.SUM)));
        PlanStep.Elementwise step = new PlanStep.Elementwise(group, extents, 2,
            List.of(new View(0, DType.F32, Shape.of(extents), new long[] {1, 3, 12, 1}, 0)),
            List.of(new View(1, DType.F32, Shape.of(extents), new long[] {4, 1, 0, 0}, 0)), new int[0]);
        Launch launch = (Launch) new GroupCompiler().prepare(step).work().getFirst();
        assertTrue(launch.source().text().contains("typedef i64 Index"), launch.source().text());
        byte[] results = new byte[12 * Float.BYTES];
        Arrays.fill(results, (byte) 1);
        assertArrayEquals(new byte[results.length], StepRun.onCuda(step, List.of(new byte[4], results)).get(1));
    }

    /** The tests above would be worth little if they all ran in one loop. */
    @Test
    void everyLoopIsTested() {
        List<String> kernels = new ArrayList<>();
        for (int seed = 0; seed < RANDOM_STEPS; seed++) {
            new GroupCompiler().prepare(new RandomGroup(seed).step).work().forEach(work -> {
                if (work instanceof Launch launch) {
                    kernels.add(launch.source().text());
                }
            });
        }
        assertTrue(kernels.stream().anyMatch(text -> text.contains("Domain<3,")));
        for (String loop : List.of("neighboring points.", "a piece of a row", "neighboring columns", "load_pack")) {
            assertTrue(kernels.stream().filter(text -> text.contains(loop)).count() >= 5, loop);
        }
    }

    private static byte[] floats(int count, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        byte[] bytes = new byte[4 * count];
        for (int i = 0; i < count; i++) {
            StepRun.put(MemorySegment.ofArray(bytes), DType.F32, i,
                Float.floatToRawIntBits((float) random.nextDouble(-1, 1)));
        }
        return bytes;
    }

    private static float value(byte[] bytes, long i) {
        return Float.intBitsToFloat((int) StepRun.bits(MemorySegment.ofArray(bytes), DType.F32, i));
    }
}
