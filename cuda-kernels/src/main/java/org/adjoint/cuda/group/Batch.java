package org.adjoint.cuda.group;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.adjoint.graph.DType;
import org.adjoint.plan.Group;
import org.adjoint.plan.Plan;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.Slot;
import org.adjoint.plan.View;

/**
 * Steps of one group that can be one launch: the points of each follow each other in memory, and none touches what
 * another writes. Updates of an optimizer are such, and the scaling of its gradients.
 */
public final class Batch {
    /** A launch has 4 KiB of parameters; what the table leaves is for the gaps in it. */
    private static final int TABLE_BYTES = 4000;

    /**
     * Bytes of the arena or of an external buffer.
     *
     * @param memory the external's position, or -1 for the arena
     */
    private record Range(long memory, long from, long to) {
        boolean meets(Range other) {
            return memory == other.memory && from < other.to && other.from < to;
        }
    }

    private final List<Slot> slots;
    private final List<PlanStep.Elementwise> steps = new ArrayList<>();
    private final List<Range> read = new ArrayList<>();
    private final List<Range> written = new ArrayList<>();
    /** Whether an operand has an element per point, or one for all; not known while the steps have one point. */
    private List<Boolean> dense = List.of();

    private Batch(List<Slot> slots) {
        this.slots = slots;
    }

    /** The step at {@code position}, which is elementwise, and those after it that can be launched with it. */
    public static List<PlanStep.Elementwise> of(Plan plan, int position) {
        PlanStep.Elementwise first = (PlanStep.Elementwise) plan.steps().get(position);
        if (first.group().reduces() || GroupCompiler.isMove(first.group()) || mostTensors(first.group()) < 2) {
            return List.of(first);
        }
        Batch batch = new Batch(plan.slots());
        for (PlanStep step : plan.steps().subList(position, plan.steps().size())) {
            if (!(step instanceof PlanStep.Elementwise next) || !next.group().equals(first.group())
                || !batch.add(next)) {
                break;
            }
        }
        return batch.steps.isEmpty() ? List.of(first) : List.copyOf(batch.steps);
    }

    private boolean add(PlanStep.Elementwise step) {
        Loops loops = Loops.of(step);
        if (!isInOrder(step, loops)) {
            return false;
        }
        List<Boolean> pattern = pattern(loops);
        List<Range> reads = ranges(step.inputs(), 0, loops);
        List<Range> writes = ranges(step.outputs(), step.inputs().size(), loops);
        if (!dense.isEmpty() && !pattern.isEmpty() && !dense.equals(pattern) || meet(reads, written)
            || meet(writes, read) || meet(writes, written)) {
            return false;
        }
        dense = dense.isEmpty() ? pattern : dense;
        read.addAll(reads);
        written.addAll(writes);
        return steps.add(step);
    }

    /** Whether points follow each other wherever there is one element for each, and are counted in 32 bits. */
    private static boolean isInOrder(PlanStep.Elementwise step, Loops loops) {
        if (loops.kept().length > 1 || loops.keptPoints() == 0 || loops.isWide()) {
            return false;
        }
        for (int i = 0; i < loops.walkOf().size(); i++) {
            long stride = loops.stride(i, 0);
            if (stride != 1 && (stride != 0 || i >= step.inputs().size() && loops.keptPoints() > 1)) {
                return false;
            }
        }
        return true;
    }

    /** Empty where there is but one point. */
    private static List<Boolean> pattern(Loops loops) {
        return loops.keptPoints() == 1 ? List.of()
            : loops.walkOf().stream().map(walk -> walk != Loops.UNIFORM).toList();
    }

    private List<Range> ranges(List<View> views, int firstOperand, Loops loops) {
        List<Range> ranges = new ArrayList<>();
        for (int i = 0; i < views.size(); i++) {
            View view = views.get(i);
            Slot slot = slots.get(view.slot());
            boolean arena = slot.kind() == Slot.Kind.ARENA;
            long from = view.byteOffset() + (arena ? slot.position() : 0);
            long elements = loops.walkOf().get(firstOperand + i) == Loops.UNIFORM ? 1 : loops.keptPoints();
            ranges.add(new Range(arena ? -1 : slot.position(), from, from + elements * view.dtype().bytes()));
        }
        return ranges;
    }

    private static boolean meet(List<Range> some, List<Range> others) {
        return some.stream().anyMatch(range -> others.stream().anyMatch(range::meets));
    }

    /** Which operands have an element per point, inputs first; of steps with one point each, all. */
    static List<Boolean> dense(List<PlanStep.Elementwise> steps) {
        return steps.stream().map(step -> pattern(Loops.of(step))).filter(pattern -> !pattern.isEmpty()).findFirst()
            .orElseGet(() -> Collections.nCopies(operands(steps.getFirst().group()), true));
    }

    /** Tensors that a launch has room for: each has its addresses, scalars, count and first block in a table. */
    static int mostTensors(Group group) {
        int bytes = operands(group) * Long.BYTES + Long.BYTES + Integer.BYTES
            + group.scalars().stream().map(DType::computeType).mapToInt(DType::bytes).sum();
        return TABLE_BYTES / bytes;
    }

    private static int operands(Group group) {
        return group.inputs().size() + group.results().size();
    }

    /** All steps, as many at a time as a launch takes. */
    static Stream<List<PlanStep.Elementwise>> launches(List<PlanStep.Elementwise> steps) {
        int most = mostTensors(steps.getFirst().group());
        return Stream.iterate(0, from -> from < steps.size(), from -> from + most)
            .map(from -> steps.subList(from, Math.min(steps.size(), from + most)));
    }
}
