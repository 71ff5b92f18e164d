package org.adjoint.cuda.group;

import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.adjoint.plan.Plan;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.Slot;
import org.adjoint.plan.View;

/**
 * Random bits that a single step reads, an elementwise one: it makes them itself, where it would read them, and they
 * never cross the card's memory. Dropout is such, and random numbers are; normal ones read both halves of their bits.
 * What they are made from lies where they would begin, as it need not live so long itself.
 *
 * @param bits all of them
 * @param reader the step's position
 * @param inputs of the step's group that are bits
 */
public record RandomInput(View bits, int reader, List<Integer> inputs) {
    /** Of the step at {@code position}, which makes random bits; empty if they have to lie in memory. */
    public static Optional<RandomInput> of(Plan plan, int position) {
        List<PlanStep> steps = plan.steps();
        View bits = steps.get(position).outputs().getFirst();
        int at = position + 1;
        while (at < steps.size() && !isIn(steps.get(at).inputs().stream(), bits.slot())) {
            at++;
        }
        if (at == steps.size() || !(steps.get(at) instanceof PlanStep.Elementwise reader)
            || plan.slots().get(bits.slot()).kind() != Slot.Kind.ARENA || isReadAfter(plan, at, bits.slot())
            // Threads would write there before others have read.
            || isIn(reader.outputs().stream(), bits.slot())) {
            return Optional.empty();
        }
        List<Integer> inputs = IntStream.range(0, reader.inputs().size())
            .filter(i -> reader.inputs().get(i).slot() == bits.slot()).boxed().toList();
        return inputs.stream().map(reader.inputs()::get).allMatch(read -> read.dtype() == bits.dtype())
            ? Optional.of(new RandomInput(bits, at, inputs)) : Optional.empty();
    }

    /** The number of an input's first element among all. */
    long start(View input) {
        return input.offset() - bits.offset();
    }

    /** Whether what a slot holds before the step at {@code position} is read by one after it. */
    private static boolean isReadAfter(Plan plan, int position, int slot) {
        List<PlanStep> steps = plan.steps();
        for (int i = position; i < steps.size(); i++) {
            if (i > position && isIn(steps.get(i).inputs().stream(), slot)) {
                return true;
            }
            if (isIn(steps.get(i).outputs().stream(), slot)) {
                return false;
            }
        }
        return false;
    }

    private static boolean isIn(Stream<View> views, int slot) {
        return views.anyMatch(view -> view.slot() == slot);
    }
}
