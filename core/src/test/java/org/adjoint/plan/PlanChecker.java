package org.adjoint.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.adjoint.graph.Op;
import org.adjoint.graph.Shape;

/** What must be true of every plan: views inside their slots, no memory read after another slot took it over. */
final class PlanChecker {
    private final Plan plan;
    /** For each 64 bytes of the arena which slot wrote there last, or -1. */
    private final int[] owners;

    private PlanChecker(Plan plan) {
        this.plan = plan;
        this.owners = new int[Math.toIntExact(plan.arenaBytes() / Plan.ALIGNMENT)];
        Arrays.fill(owners, -1);
    }

    static void check(Plan plan) {
        new PlanChecker(plan).run();
    }

    private void run() {
        assertEquals(plan.steps().size(), plan.notes().size());
        for (int i = 0; i < plan.slots().size(); i++) {
            Slot slot = plan.slots().get(i);
            if (slot.kind() == Slot.Kind.EXTERNAL) {
                assertEquals(i, slot.position());
                assertTrue(i < plan.externals());
            } else {
                assertEquals(0, slot.position() % Plan.ALIGNMENT);
                assertTrue(slot.position() + slot.bytes() <= plan.arenaBytes());
            }
        }
        for (PlanStep step : plan.steps()) {
            for (View input : step.inputs()) {
                checkInside(input);
                checkOwned(input, step);
            }
            for (View output : step.outputs()) {
                checkInside(output);
                checkOverlap(step, output);
                Slot slot = plan.slots().get(output.slot());
                if (slot.kind() == Slot.Kind.ARENA) {
                    Arrays.fill(owners, first(slot), end(slot), output.slot());
                }
            }
            switch (step) {
                case PlanStep.Elementwise elementwise -> checkGroup(elementwise);
                case PlanStep.Scan scan -> check(scan.body());
                case PlanStep.Kernel kernel -> {
                    kernel.outputs().forEach(output -> assertTrue(output.isContiguous() && output.offset() == 0));
                    assertFalse(kernel.op() instanceof Op.Unary || kernel.op() instanceof Op.Pad
                        || kernel.op() instanceof Op.Concat);
                }
            }
        }
    }

    private static int first(Slot slot) {
        return (int) (slot.position() / Plan.ALIGNMENT);
    }

    private static int end(Slot slot) {
        return (int) ((slot.position() + slot.bytes() + Plan.ALIGNMENT - 1) / Plan.ALIGNMENT);
    }

    private void checkInside(View view) {
        if (view.shape().isEmpty()) {
            return;
        }
        long low = view.offset();
        long high = view.offset();
        for (int axis = 0; axis < view.strides().length; axis++) {
            long span = view.strides()[axis] * (view.shape().extent(axis) - 1);
            low += Math.min(0, span);
            high += Math.max(0, span);
        }
        long bytes = plan.slots().get(view.slot()).bytes();
        assertTrue(low >= 0 && (high + 1) * view.dtype().bytes() <= bytes, view + " leaves its slot of " + bytes);
    }

    private void checkOwned(View view, PlanStep step) {
        Slot slot = plan.slots().get(view.slot());
        if (slot.kind() == Slot.Kind.ARENA && !view.shape().isEmpty()) {
            for (int i = first(slot); i < end(slot); i++) {
                assertEquals(view.slot(), owners[i], () -> "what " + step + " reads was overwritten or never written");
            }
        }
    }

    /** An output shares memory with an input only where it replaces it. */
    private void checkOverlap(PlanStep step, View output) {
        Slot slot = plan.slots().get(output.slot());
        for (int i = 0; i < step.inputs().size(); i++) {
            View input = step.inputs().get(i);
            Slot other = plan.slots().get(input.slot());
            boolean same = output.slot() == input.slot();
            boolean overlap = slot.kind() == Slot.Kind.ARENA && other.kind() == Slot.Kind.ARENA && !same
                && slot.bytes() > 0 && other.bytes() > 0 && first(slot) < end(other) && first(other) < end(slot);
            assertFalse(overlap, () -> step + " writes over what it reads");
            if (same && !output.shape().isEmpty()) {
                int position = i;
                assertTrue(!(step instanceof PlanStep.Kernel kernel)
                    || updates(kernel.op(), position, kernel.outputs().indexOf(output)),
                    () -> step + " overwrites input " + position);
                View likewise = new View(input.slot(), output.dtype(), input.shape(), input.strides(), input.offset());
                assertEquals(output, likewise, () -> step + " updates in place through another view");
            }
        }
        int writers = 0;
        for (View view : step.outputs()) {
            Slot other = plan.slots().get(view.slot());
            boolean overlap = slot.kind() == Slot.Kind.ARENA && other.kind() == Slot.Kind.ARENA && view != output
                && view.slot() != output.slot() && slot.bytes() > 0 && other.bytes() > 0 && first(slot) < end(other)
                && first(other) < end(slot);
            assertFalse(overlap, () -> step + " has results that overlap");
            writers += view.equals(output) ? 1 : 0;
        }
        assertEquals(1, writers);
    }

    private static boolean updates(Op op, int input, int result) {
        return op instanceof Op.Fused fused ? fused.inPlace(result) == input
            : input == 0 && (op instanceof Op.Scatter || op instanceof Op.ScatterAdd
                || op instanceof Op.DynamicUpdateSlice);
    }

    private static void checkGroup(PlanStep.Elementwise step) {
        Shape domain = Shape.of(step.extents());
        assertTrue(domain.rank() > 0);
        assertTrue(step.reducedAxes() <= domain.rank());
        assertEquals(step.group().reduces(), step.reducedAxes() > 0);
        assertEquals(step.group().inputs().size(), step.inputs().size());
        assertEquals(step.group().scalars().size(), step.scalars().length);
        List<Instruction> body = step.group().body();
        for (int i = 0; i < body.size(); i++) {
            assertFalse(body.get(i).dtype().isHalf());
            int line = i;
            operands(body.get(i)).forEach(operand -> assertTrue(operand < line));
        }
        for (int i = 0; i < step.inputs().size(); i++) {
            assertEquals(domain, step.inputs().get(i).shape());
            assertEquals(step.group().inputs().get(i), step.inputs().get(i).dtype());
        }
        for (int i = 0; i < step.outputs().size(); i++) {
            View output = step.outputs().get(i);
            assertEquals(domain, output.shape());
            for (int axis = 0; axis < domain.rank(); axis++) {
                boolean folded = axis >= domain.rank() - step.reducedAxes()
                    && step.group().results().get(i).reduce() != null;
                assertTrue(domain.extent(axis) == 1 || folded == (output.strides()[axis] == 0), step.toString());
            }
        }
    }

    private static List<Integer> operands(Instruction instruction) {
        return switch (instruction) {
            case Instruction.Load _, Instruction.Scalar _ -> List.of();
            case Instruction.Unary op -> List.of(op.a());
            case Instruction.Binary op -> List.of(op.a(), op.b());
            case Instruction.Where op -> List.of(op.condition(), op.a(), op.b());
            case Instruction.Cast op -> List.of(op.a());
        };
    }
}
