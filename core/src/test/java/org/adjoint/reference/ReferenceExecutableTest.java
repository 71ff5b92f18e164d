package org.adjoint.reference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import org.adjoint.backend.Backend;
import org.adjoint.backend.Buffer;
import org.adjoint.backend.DeviceDriver;
import org.adjoint.backend.DeviceUnavailableException;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;
import org.adjoint.graph.Philox;
import org.adjoint.graph.ReduceOp;
import org.adjoint.graph.Shape;
import org.adjoint.plan.Group;
import org.adjoint.plan.Instruction;
import org.adjoint.plan.Plan;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.Slot;
import org.adjoint.plan.View;
import org.junit.jupiter.api.Test;

/** Plans written by hand, so that no planner stands between the step and what it does. */
class ReferenceExecutableTest {
    private final DeviceDriver driver = new ReferenceBackend().open(0, Map.of());

    /** Runs one step over external slots that hold these arrays, the last of them to be written and returned. */
    private <T> T run(PlanStep step, long[] scalars, Object... arrays) {
        List<Slot> slots = new ArrayList<>();
        Buffer[] buffers = new Buffer[arrays.length];
        for (int i = 0; i < arrays.length; i++) {
            MemorySegment host = segment(arrays[i]);
            buffers[i] = driver.allocate(host.byteSize());
            driver.write(host, buffers[i]);
            slots.add(new Slot(Slot.Kind.EXTERNAL, i, host.byteSize()));
        }
        Plan plan = new Plan(slots, List.of(step), arrays.length, scalars.length, 0, List.of(""));
        try (var executable = driver.compile(plan)) {
            executable.run(buffers, scalars);
            driver.read(buffers[arrays.length - 1], segment(arrays[arrays.length - 1]));
        } finally {
            Arrays.stream(buffers).forEach(Buffer::close);
        }
        @SuppressWarnings("unchecked")
        T result = (T) arrays[arrays.length - 1];
        return result;
    }

    private static MemorySegment segment(Object array) {
        return switch (array) {
            case float[] values -> MemorySegment.ofArray(values);
            case double[] values -> MemorySegment.ofArray(values);
            case int[] values -> MemorySegment.ofArray(values);
            case long[] values -> MemorySegment.ofArray(values);
            default -> throw new IllegalArgumentException(array.getClass().toString());
        };
    }

    private static View view(int slot, DType dtype, long... extents) {
        return View.contiguous(slot, dtype, Shape.of(extents));
    }

    private static PlanStep kernel(Op op, View output, View... inputs) {
        return new PlanStep.Kernel(op, List.of(inputs), List.of(output));
    }

    /** Three float additions in one group: rounding in between would lose the second term. */
    @Test
    void aGroupRoundsOnceWhenItStores() {
        Group group = new Group(List.of(DType.F32), List.of(DType.F32, DType.F32), List.of(
            new Instruction.Load(0, DType.F32), new Instruction.Scalar(0, DType.F32),
            new Instruction.Binary(BinaryOp.ADD, 0, 1, DType.F32), new Instruction.Scalar(1, DType.F32),
            new Instruction.Binary(BinaryOp.ADD, 2, 3, DType.F32)), List.of(new Group.Result(4, DType.F32, null)));
        PlanStep step = new PlanStep.Elementwise(group, new long[] {2}, 0, List.of(view(0, DType.F32, 2)),
            List.of(view(1, DType.F32, 2)), new int[] {1, 0});
        long[] scalars = {Double.doubleToRawLongBits(-1), Double.doubleToRawLongBits(0x1p-30)};
        assertArrayEquals(new float[] {0x1p-30f, 1}, run(step, scalars, new float[] {1, 2}, new float[2]));
    }

    /** The sums of the rows of a (2, 3) that is stored transposed and flipped, and the elements doubled, at once. */
    @Test
    void aGroupWalksStridesAndFolds() {
        Group group = new Group(List.of(DType.F64), List.of(), List.of(
            new Instruction.Load(0, DType.F64), new Instruction.Binary(BinaryOp.ADD, 0, 0, DType.F64)),
            List.of(new Group.Result(0, DType.F64, ReduceOp.SUM), new Group.Result(1, DType.F64, null)));
        View input = new View(0, DType.F64, Shape.of(2, 3), new long[] {-1, 2}, 1);
        View sums = new View(1, DType.F64, Shape.of(2, 3), new long[] {1, 0}, 0);
        View doubled = new View(1, DType.F64, Shape.of(2, 3), new long[] {3, 1}, 2);
        PlanStep step = new PlanStep.Elementwise(group, new long[] {2, 3}, 1, List.of(input), List.of(sums, doubled),
            new int[0]);
        double[] memory = {1, 10, 2, 20, 3, 30};
        assertArrayEquals(new double[] {60, 6, 20, 40, 60, 2, 4, 6}, run(step, new long[0], memory, new double[8]));
    }

    @Test
    void theSumOfNothingIsZero() {
        Group group = new Group(List.of(DType.F32), List.of(), List.of(new Instruction.Load(0, DType.F32)),
            List.of(new Group.Result(0, DType.F32, ReduceOp.SUM)));
        View input = view(0, DType.F32, 2, 0);
        View output = new View(1, DType.F32, Shape.of(2, 0), new long[] {1, 0}, 0);
        PlanStep step = new PlanStep.Elementwise(group, new long[] {2, 0}, 1, List.of(input), List.of(output),
            new int[0]);
        assertArrayEquals(new float[] {0, 0}, run(step, new long[0], new float[0], new float[] {7, 7}));
    }

    @Test
    void matmulMultipliesBatches() {
        PlanStep step = kernel(new Op.MatMul(), view(2, DType.F32, 2, 1, 2), view(0, DType.F32, 2, 1, 2),
            view(1, DType.F32, 2, 2, 2));
        float[] product = run(step, new long[0], new float[] {1, 2, 3, 4}, new float[] {1, 0, 0, 1, 1, 2, 3, 4},
            new float[4]);
        assertArrayEquals(new float[] {1, 2, 15, 22}, product);
    }

    @Test
    void gatherAndScatterAddAreAdjoint() {
        View x = view(0, DType.F64, 2, 3);
        View indices = view(1, DType.I64, 2, 2);
        PlanStep gather = kernel(new Op.Gather(1), view(2, DType.F64, 2, 2), x, indices);
        assertArrayEquals(new double[] {3, 1, 5, 5}, run(gather, new long[0], new double[] {1, 2, 3, 4, 5, 6},
            new long[] {2, 0, 1, 1}, new double[4]));
        PlanStep scatter = kernel(new Op.ScatterAdd(1), view(3, DType.F64, 2, 3), x, indices, view(2, DType.F64, 2, 2));
        assertArrayEquals(new double[] {20, 0, 10, 0, 70, 0}, run(scatter, new long[0], new double[6],
            new long[] {2, 0, 1, 1}, new double[] {10, 20, 30, 40}, new double[6]));
    }

    @Test
    void anIndexOutOfRangeIsAnErrorThatNamesIt() {
        PlanStep gather = kernel(new Op.Gather(0), view(2, DType.F64, 1), view(0, DType.F64, 3), view(1, DType.I64, 1));
        var error = assertThrows(IndexOutOfBoundsException.class,
            () -> run(gather, new long[0], new double[3], new long[] {3}, new double[1]));
        assertEquals("gather: index 3 is out of range for axis 0 of (3): use 0 to 2", error.getMessage());
        PlanStep slice = kernel(new Op.DynamicSlice(Shape.of(2)), view(2, DType.F64, 2), view(0, DType.F64, 3),
            view(1, DType.I64, 1));
        error = assertThrows(IndexOutOfBoundsException.class,
            () -> run(slice, new long[0], new double[3], new long[] {2}, new double[2]));
        assertEquals("dynamicSlice: start 2 is out of range for a window (2) along axis 0 of (3): use 0 to 1",
            error.getMessage());
    }

    @Test
    void windowsAreReadAndReplaced() {
        View x = view(0, DType.I32, 3, 3);
        View starts = view(1, DType.I64, 2);
        PlanStep slice = kernel(new Op.DynamicSlice(Shape.of(2, 1)), view(2, DType.I32, 2, 1), x, starts);
        int[] nine = {0, 1, 2, 3, 4, 5, 6, 7, 8};
        assertArrayEquals(new int[] {5, 8}, run(slice, new long[0], nine, new long[] {1, 2}, new int[2]));
        PlanStep update = kernel(new Op.DynamicUpdateSlice(), view(3, DType.I32, 3, 3), x, view(2, DType.I32, 2, 1),
            starts);
        assertArrayEquals(new int[] {0, 1, 2, 3, 4, -1, 6, 7, -2},
            run(update, new long[0], nine, new long[] {1, 2}, new int[] {-1, -2}, new int[9]));
    }

    @Test
    void padAndConcatPlaceElements() {
        PlanStep pad = kernel(new Op.Pad(Op.longs(1, 0), Op.longs(0, 1), Shape.of(3, 4)), view(2, DType.I32, 3, 4),
            view(0, DType.I32, 1, 2), view(1, DType.I32));
        assertArrayEquals(new int[] {9, 9, 9, 9, 1, 9, 2, 9, 9, 9, 9, 9},
            run(pad, new long[0], new int[] {1, 2}, new int[] {9}, new int[12]));
        PlanStep concat = kernel(new Op.Concat(1), view(2, DType.I32, 2, 3), view(0, DType.I32, 2, 1),
            view(1, DType.I32, 2, 2));
        assertArrayEquals(new int[] {1, 3, 4, 2, 5, 6},
            run(concat, new long[0], new int[] {1, 2}, new int[] {3, 4, 5, 6}, new int[6]));
    }

    @Test
    void argmaxTakesTheFirstAndPrefersNaN() {
        PlanStep step = kernel(new Op.ArgReduce(true, 0), view(1, DType.I64, 3), view(0, DType.F32, 3, 3));
        float nan = Float.NaN;
        assertArrayEquals(new long[] {1, 0, 1},
            run(step, new long[0], new float[] {1, 5, 3, 2, 5, nan, 2, 5, nan}, new long[3]));
    }

    @Test
    void randomBitsAreThoseOfPhilox() {
        PlanStep step = kernel(new Op.RandomBits(), view(2, DType.I32, 2, 3), view(0, DType.I64, 2),
            view(1, DType.I64));
        int[] bits = run(step, new long[0], new long[] {5, 6}, new long[] {7}, new int[6]);
        for (int i = 0; i < bits.length; i++) {
            assertEquals(Philox.word(5, 6, 7, i), bits[i]);
        }
    }

    @Test
    void isFoundByTheServiceLoaderAndRefusesWhatItDoesNotKnow() {
        Backend backend = ServiceLoader.load(Backend.class).stream().map(ServiceLoader.Provider::get)
            .filter(found -> found.name().equals("reference")).findFirst().orElseThrow();
        assertThrows(DeviceUnavailableException.class, () -> backend.open(1, Map.of()));
        assertThrows(IllegalArgumentException.class, () -> backend.open(0, Map.of("threads", "2")));
        Buffer buffer = driver.allocate(100);
        assertEquals(100, driver.liveBytes());
        buffer.close();
        buffer.close();
        assertEquals(0, driver.liveBytes());
    }
}
