package org.adjoint.cuda.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.adjoint.cuda.emulator.Emulator;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.Halves;
import org.adjoint.graph.ReduceOp;
import org.adjoint.graph.Shape;
import org.adjoint.plan.Group;
import org.adjoint.plan.Instruction;
import org.adjoint.plan.Plan;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.Slot;
import org.adjoint.plan.View;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Many tensors in one launch: the bits of the steps one by one, on the CPU and on the card; which steps join. */
class BatchTest {
    /** Of tensors, in turns; more tensors than a launch has. */
    private static final int[] SIZES = {1, 13, 207, 702, 4098, 1024, 2049, 1};
    private static final int STEPS = 90;

    @BeforeAll
    static void open() {
        StepRun.open();
    }

    @AfterAll
    static void close() {
        StepRun.close();
    }

    /** x0 + x1 * (x2 + s0 * s1), where x2 is one number; and x1 + x0. */
    private static Group group(DType x, DType y) {
        DType computed = x.computeType();
        return new Group(List.of(x, y, computed), List.of(computed, DType.F64),
            List.of(new Instruction.Load(0, computed), new Instruction.Load(1, y.computeType()),
                new Instruction.Cast(1, computed, computed), new Instruction.Load(2, computed),
                new Instruction.Scalar(0, computed), new Instruction.Scalar(1, DType.F64),
                new Instruction.Cast(5, computed, computed), new Instruction.Binary(BinaryOp.MUL, 4, 6, computed),
                new Instruction.Binary(BinaryOp.ADD, 3, 7, computed),
                new Instruction.Binary(BinaryOp.MUL, 2, 8, computed),
                new Instruction.Binary(BinaryOp.ADD, 0, 9, computed),
                new Instruction.Binary(BinaryOp.ADD, 2, 0, computed)),
            List.of(new Group.Result(10, x, null), new Group.Result(11, y, null)));
    }

    @ParameterizedTest
    @CsvSource({"F32, F32", "BF16, F32", "F32, F16", "F64, F64", "BF16, BF16"})
    void hasTheBitsOfSeparateSteps(DType x, DType y) {
        Group group = group(x, y);
        SplittableRandom random = new SplittableRandom(3);
        List<byte[]> slots = new ArrayList<>(List.of(numbers(x.computeType(), 2, random)));
        List<PlanStep.Elementwise> steps = new ArrayList<>();
        for (int i = 0; i < STEPS; i++) {
            int n = SIZES[i % SIZES.length];
            boolean inPlace = i % 2 == 1;
            // every now and then one that is not aligned
            View[] views = new View[4];
            for (int operand = 0; operand < (inPlace ? 2 : 4); operand++) {
                int offset = (i * 7 + operand) % 11 == 0 ? operand + 1 : 0;
                DType dtype = operand % 2 == 0 ? x : y;
                slots.add(numbers(dtype, n + offset, random));
                views[operand] = new View(slots.size() - 1, dtype, Shape.of(n), new long[] {1}, offset);
            }
            View number = new View(0, x.computeType(), Shape.of(n), new long[] {0}, i % 2);
            steps.add(new PlanStep.Elementwise(group, new long[] {n}, 0, List.of(views[0], views[1], number),
                inPlace ? List.of(views[0], views[1]) : List.of(views[2], views[3]), new int[] {i % 3, 3}));
        }
        long[] scalars = {Double.doubleToRawLongBits(0.5), Double.doubleToRawLongBits(-3),
            Double.doubleToRawLongBits(1.25), Double.doubleToRawLongBits(0.75)};
        Emulator emulator = Emulator.require();
        long before = launches(emulator);
        List<byte[]> actual = StepRun.onCuda(steps, slots, scalars);
        assertEquals("", emulator.fault());
        assertEquals(Math.ceilDiv(STEPS, Batch.mostTensors(group)), launches(emulator) - before);
        List<byte[]> onCpu = StepRun.onCpu(steps, slots, scalars);
        for (PlanStep.Elementwise step : steps) {
            StepRun.assertSameBits("the CPU's", step, onCpu, actual);
            StepRun.assertSameBits("one by one", step, StepRun.onCuda(step, slots, scalars), actual);
        }
    }

    private static long launches(Emulator emulator) {
        return emulator.launches().values().stream().mapToLong(Long::longValue).sum();
    }

    private static byte[] numbers(DType dtype, int count, SplittableRandom random) {
        byte[] bytes = new byte[count * dtype.bytes()];
        for (int i = 0; i < count; i++) {
            double value = random.nextDouble(-1, 1);
            StepRun.put(MemorySegment.ofArray(bytes), dtype, i, switch (dtype) {
                case F16 -> Halves.f16((float) value);
                case BF16 -> Halves.bf16((float) value);
                case F64 -> Double.doubleToRawLongBits(value);
                case F32 -> Float.floatToRawIntBits((float) value);
                case BOOL, U8, I32, I64 -> throw new IllegalArgumentException(dtype.text());
            });
        }
        return bytes;
    }

    private static final Group SUM = new Group(List.of(DType.F32, DType.F32), List.of(),
        List.of(new Instruction.Load(0, DType.F32), new Instruction.Load(1, DType.F32),
            new Instruction.Binary(BinaryOp.ADD, 0, 1, DType.F32)), List.of(new Group.Result(2, DType.F32, null)));

    private static View view(int slot, long elements, long stride, long offset) {
        return new View(slot, DType.F32, Shape.of(elements), new long[] {stride}, offset);
    }

    private static View view(int slot) {
        return view(slot, 16, 1, 0);
    }

    private static PlanStep.Elementwise sum(View a, View b, View to) {
        return new PlanStep.Elementwise(SUM, to.shape().toArray(), 0, List.of(a, b), List.of(to), new int[0]);
    }

    /** How many steps are launched together. Slots 0 to 9 are external, 10 to 19 take turns in five places. */
    private static int joined(PlanStep... steps) {
        List<Slot> slots = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            slots.add(i < 10 ? new Slot(Slot.Kind.EXTERNAL, i, 1024) : new Slot(Slot.Kind.ARENA, i % 5 * 64, 64));
        }
        return Batch.of(new Plan(slots, List.of(steps), 10, 0, 320, List.of()), 0).size();
    }

    @Test
    void stepsJoinWhereTheyAreApart() {
        PlanStep.Elementwise first = sum(view(0), view(1), view(2));
        assertEquals(3, joined(first, sum(view(3), view(4), view(5)), sum(view(6), view(1), view(7))));
        assertEquals(2, joined(sum(view(0), view(1), view(0)), sum(view(3), view(4), view(3))), "in place");
        assertEquals(1, joined(first, sum(view(2), view(3), view(4))), "reads what the first writes");
        assertEquals(1, joined(first, sum(view(3), view(4), view(1))), "writes what the first reads");
        assertEquals(1, joined(first, sum(view(3), view(4), view(2))), "writes what the first writes");
        assertEquals(2, joined(first, sum(view(3), view(4), view(5)), sum(view(6), view(5), view(7))),
            "reads what the second writes");
    }

    @Test
    void rangesOfOneBufferAreApart() {
        PlanStep.Elementwise first = sum(view(0), view(1), view(2));
        assertEquals(2, joined(first, sum(view(2, 16, 1, 16), view(3), view(2, 16, 1, 32))));
        assertEquals(1, joined(first, sum(view(2, 16, 1, 15), view(3), view(4))));
        assertEquals(1, joined(first, sum(view(3), view(4), view(1, 16, 1, 15))));
    }

    /** A slot takes the bytes of another that is read for the last time: in one launch they would be overwritten. */
    @Test
    void slotsOfTheArenaThatShareBytesMeet() {
        PlanStep.Elementwise first = sum(view(10), view(1), view(2));
        assertEquals(2, joined(first, sum(view(3), view(4), view(16))));
        assertEquals(1, joined(first, sum(view(3), view(4), view(15))));
    }

    @Test
    void othersStayAlone() {
        PlanStep.Elementwise first = sum(view(0), view(1), view(2));
        assertEquals(1, joined(first, sum(view(3, 16, 2, 0), view(4), view(5))), "strided");
        assertEquals(1, joined(sum(view(3, 16, 2, 0), view(4), view(5)), first), "strided, first");
        assertEquals(1, joined(first, sum(view(3, 16, 0, 0), view(4), view(5))), "broadcast where the first is not");
        assertEquals(1, joined(first, sum(view(3, 0, 1, 0), view(4, 0, 1, 0), view(5, 0, 1, 0))), "empty");
        long huge = 1L << 31;
        assertEquals(1, joined(first, sum(view(3, huge, 1, 0), view(4, huge, 1, 0), view(5, huge, 1, 0))), "huge");
        Group moves = new Group(List.of(DType.F32), List.of(), List.of(new Instruction.Load(0, DType.F32)),
            List.of(new Group.Result(0, DType.F32, null)));
        assertEquals(1, joined(single(moves, 0, 1, 0), single(moves, 0, 3, 2)), "copies");
        Group folds = new Group(List.of(DType.F32), List.of(), List.of(new Instruction.Load(0, DType.F32)),
            List.of(new Group.Result(0, DType.F32, ReduceOp.SUM)));
        assertEquals(1, joined(single(folds, 1, 1, 0), single(folds, 1, 3, 2)), "reductions");
        assertEquals(1, joined(single(folds, 1, 1, 0), first), "other groups");
    }

    private static PlanStep.Elementwise single(Group group, int reduced, int to, int from) {
        View result = new View(to, DType.F32, Shape.of(16), new long[] {1 - reduced}, 0);
        return new PlanStep.Elementwise(group, new long[] {16}, reduced, List.of(view(from)), List.of(result),
            new int[0]);
    }

    /** One number joins those of any layout, whether it comes first or not. */
    @Test
    void singleNumbersJoin() {
        PlanStep.Elementwise number = sum(view(0, 1, 1, 0), view(1, 1, 1, 0), view(2, 1, 1, 0));
        PlanStep.Elementwise broadcast = sum(view(3, 16, 0, 0), view(4), view(5));
        assertEquals(2, joined(number, broadcast));
        assertEquals(2, joined(broadcast, number));
        assertEquals(2, joined(number, sum(view(6), view(7), view(8)), broadcast));
    }

    /** A launch's text holds no extent, offset or scalar, and not how many tensors there are. */
    @Test
    void oneTextServesAll() {
        Launch few = launch(sum(view(0), view(1), view(2)), sum(view(3), view(4), view(5)));
        assertEquals(few.source(), launch(sum(view(0, 5, 1, 3), view(1, 5, 1, 1), view(2, 5, 1, 0)),
            sum(view(6, 5000, 1, 0), view(7, 5000, 1, 0), view(8, 5000, 1, 0)),
            sum(view(3, 1, 1, 0), view(4, 1, 1, 0), view(5, 1, 1, 0))).source());
        assertTrue(few.source().text().contains("is_aligned<4>(x0)"), few.source().text());
    }

    private static Launch launch(PlanStep.Elementwise... steps) {
        return (Launch) new GroupCompiler().prepare(List.of(steps)).work().getFirst();
    }
}
