package org.adjoint.plan;

import java.util.List;
import org.adjoint.graph.Op;

/** One launch of a plan, or a loop of launches. */
public sealed interface PlanStep {
    /** What is read. */
    List<View> inputs();

    /** What is written. */
    List<View> outputs();

    /**
     * An elementwise program over a loop domain, with reductions over the domain's trailing axes.
     *
     * @param extents the loop domain, with axes merged where every operand allows it; never empty of axes
     * @param reducedAxes how many trailing axes of the domain are folded; 0 where the group has no reduction
     * @param inputs operands, each with the domain's shape and a stride per axis (0 where it is broadcast)
     * @param outputs results, likewise; a reduced result has stride 0 along the reduced axes. An output may be the very
     *     memory of an input that has the same strides; otherwise outputs overlap nothing
     * @param scalars index into {@link Plan#withExtra} for each scalar argument of the group
     */
    record Elementwise(Group group, long[] extents, int reducedAxes, List<View> inputs, List<View> outputs,
        int[] scalars) implements PlanStep { }

    /**
     * An operation that is not elementwise, on views the backend said it takes; outputs are contiguous.
     *
     * <p>An output may be the very memory of the input it is an update of (scatterAdd and dynamicUpdateSlice: input 0;
     * fused operations: {@link Op.Fused#inPlace}); the kernel sees that from the views being equal, and then has
     * nothing to copy. Otherwise outputs overlap nothing.
     */
    record Kernel(Op op, List<View> inputs, List<View> outputs) implements PlanStep { }

    /**
     * A plan of its own that runs {@code length} times, at least once; its memory is a part of this plan's.
     *
     * @param body what an iteration does; its slots lie where {@link #place} says
     * @param scalars the body's, those that planning brought in included
     * @param bindings of the body's external slots, in order
     * @param arenaOffset where in the scratch memory the body's arena begins
     * @param outputs stacks {@code (length, ...)} and last carries, contiguous; last, if the loop needs some, scratch
     *     memory
     */
    record Scan(Plan body, long[] scalars, long length, boolean reverse, List<Binding> bindings, long arenaOffset,
        List<View> inputs, List<View> outputs) implements PlanStep {

        Scan on(List<View> read, List<View> written) {
            return new Scan(body, scalars, length, reverse, bindings, arenaOffset, read, written);
        }

        /** Where a slot of the body lies in iteration {@code iteration}, counted from 0 in the order of execution. */
        public Place place(Slot slot, long iteration) {
            return switch (slot.kind()) {
                case ARENA -> scratch(arenaOffset + slot.position());
                case EXTERNAL -> place(bindings.get((int) slot.position()), iteration);
            };
        }

        private Place place(Binding binding, long iteration) {
            return switch (binding) {
                case Binding.Input(int input) -> place(inputs.get(input), 0);
                case Binding.InputSlice(int input) -> slice(inputs.get(input), iteration);
                case Binding.OutputSlice(int output) -> slice(outputs.get(output), iteration);
                case Binding.Alternating(long offset, long bytes, int last) -> last >= 0 && iteration == length - 1
                    ? place(outputs.get(last), 0) : scratch(offset + iteration % 2 * bytes);
                case Binding.Delayed(int first, Binding then) -> iteration == 0 ? place(inputs.get(first), 0)
                    : place(then, iteration - 1);
            };
        }

        private Place slice(View stack, long iteration) {
            return place(stack, (reverse ? length - 1 - iteration : iteration) * stack.strides()[0]);
        }

        private static Place place(View view, long elements) {
            return new Place(view.slot(), (view.offset() + elements) * view.dtype().bytes());
        }

        private Place scratch(long offset) {
            return new Place(outputs.getLast().slot(), offset);
        }
    }

    /** A slot of a plan and an offset in bytes, a multiple of {@link Plan#ALIGNMENT}. */
    record Place(int slot, long offset) { }

    /** Where something that a loop's body reads or writes lies: numbers are positions among the step's views. */
    sealed interface Binding {
        /** The same for all iterations. */
        record Input(int input) implements Binding { }

        /** One slice for each iteration. */
        record InputSlice(int input) implements Binding { }

        /** One slice for each iteration. */
        record OutputSlice(int output) implements Binding { }

        /**
         * Two places in turn, {@code bytes} apart.
         *
         * @param offset in the scratch memory
         * @param last the output that the last iteration writes instead, or -1
         */
        record Alternating(long offset, long bytes, int last) implements Binding { }

        /** What the iteration before wrote; for the first, an input. */
        record Delayed(int first, Binding then) implements Binding { }
    }
}
