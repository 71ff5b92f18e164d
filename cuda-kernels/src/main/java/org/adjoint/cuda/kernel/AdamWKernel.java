package org.adjoint.cuda.kernel;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Prepared;
import org.adjoint.cuda.launch.Source;
import org.adjoint.cuda.launch.Work;
import org.adjoint.graph.DType;
import org.adjoint.graph.FusedOp;
import org.adjoint.graph.TensorType;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/** Steps of AdamW, many tensors in one launch: {@code adamw.cu}, whose constants these are. */
public final class AdamWKernel {
    /** Tensors of a launch: their addresses and counts are its parameters, of which there are at most 4 KiB. */
    private static final int MOST_TENSORS = 44;
    /** Elements of a block. */
    private static final int CHUNK = 4096;
    private static final int THREADS = 256;
    /** Inputs: parameter, first and second moment, gradient; then three scalars, and a copy of the parameter if any. */
    private static final int GRADIENT = 3;
    private static final int SCALARS = 4;
    private static final int MASTER = 7;
    /** As many as with a copy of the parameter. */
    private static final int OUTPUTS = 4;

    private AdamWKernel() { }

    /** Whether the moments are what the parameter is computed in, and the scalars have one dtype. */
    public static boolean supports(List<TensorType> inputs) {
        DType compute = inputs.getFirst().dtype().computeType();
        return inputs.subList(MASTER, inputs.size()).stream().allMatch(master -> master.dtype() == compute)
            && inputs.get(1).dtype() == compute && inputs.get(2).dtype() == compute
            && inputs.get(SCALARS).dtype() == inputs.get(SCALARS + 1).dtype()
            && inputs.get(SCALARS).dtype() == inputs.get(SCALARS + 2).dtype();
    }

    /** Whether input {@code index} is taken as it lies; scalars are, anywhere. */
    public static boolean fits(int index, View view) {
        return index >= SCALARS && index < MASTER || view.isContiguous();
    }

    /**
     * Whether {@code next}, which follows a group of steps that join each other, can be launched with them: settings,
     * dtypes and scalars are theirs, all work in place, and none touches what another writes.
     */
    public static boolean joins(List<PlanStep.Kernel> group, PlanStep.Kernel next) {
        PlanStep.Kernel first = group.getFirst();
        return next.op().equals(first.op()) && dtypes(next).equals(dtypes(first))
            && scalars(next).equals(scalars(first)) && isInPlace(next)
            && group.stream().allMatch(step -> isInPlace(step) && areApart(step, next) && areApart(next, step));
    }

    private static List<DType> dtypes(PlanStep.Kernel step) {
        return step.inputs().stream().map(View::dtype).toList();
    }

    private static List<View> scalars(PlanStep.Kernel step) {
        return step.inputs().subList(SCALARS, MASTER);
    }

    private static boolean isInPlace(PlanStep.Kernel step) {
        List<View> updated = new ArrayList<>(step.inputs().subList(0, GRADIENT));
        updated.addAll(step.inputs().subList(MASTER, step.inputs().size()));
        return step.outputs().equals(updated);
    }

    private static boolean areApart(PlanStep.Kernel writer, PlanStep.Kernel reader) {
        Set<Integer> written = new HashSet<>();
        writer.outputs().forEach(view -> written.add(view.slot()));
        return reader.inputs().stream().noneMatch(view -> written.contains(view.slot()));
    }

    /** @param steps one, or several that {@linkplain #joins join} */
    public static Prepared prepare(List<PlanStep.Kernel> steps) {
        List<PlanStep.Kernel> filled =
            steps.stream().filter(step -> step.outputs().getFirst().shape().elements() > 0).toList();
        List<Work> work = new ArrayList<>();
        for (int from = 0; from < filled.size(); from += MOST_TENSORS) {
            work.add(launch(filled.subList(from, Math.min(filled.size(), from + MOST_TENSORS))));
        }
        return new Prepared(work, 0, false);
    }

    private static Launch launch(List<PlanStep.Kernel> steps) {
        PlanStep.Kernel first = steps.getFirst();
        List<View> scalars = scalars(first);
        DType dtype = first.inputs().getFirst().dtype();
        Source source = Source.ofFile("adamw.cu", Map.of("T", dtype.text(), "M", first.inputs().get(1).dtype().text(),
            "G", first.inputs().get(GRADIENT).dtype().text(), "S", scalars.getFirst().dtype().text(),
            "MASTERED", first.inputs().size() > MASTER ? "1" : "0"));
        List<Argument> tensors = new ArrayList<>();
        for (int input : new int[] {0, 1, 2, GRADIENT, MASTER}) {
            addAll(tensors, steps, step -> address(step.inputs(), input), Argument.of(0L));
        }
        for (int output = 0; output < OUTPUTS; output++) {
            int position = output;
            addAll(tensors, steps, step -> address(step.outputs(), position), Argument.of(0L));
        }
        addAll(tensors, steps, step -> Argument.of(elements(step)), Argument.of(0L));
        long[] blocks = {0};
        addAll(tensors, steps, step -> {
            int block = Math.toIntExact(blocks[0]);
            blocks[0] += RowTeam.blocks(elements(step), CHUNK);
            return Argument.of(block);
        }, Argument.of(0));
        return Launch.of(source, RowTeam.symbol("adamw_update", dtype), blocks[0], THREADS,
            new Argument.Struct(tensors), Argument.of(steps.size()), settings((FusedOp.AdamWUpdate) first.op(), dtype),
            Argument.of(scalars.get(0)), Argument.of(scalars.get(1)), Argument.of(scalars.get(2)));
    }

    /** Null where there is no such tensor. */
    private static Argument address(List<View> views, int position) {
        return position < views.size() ? Argument.of(views.get(position)) : Argument.of(0L);
    }

    private static long elements(PlanStep.Kernel step) {
        return step.outputs().getFirst().shape().elements();
    }

    /** An array with an element for each step, filled up to its fixed length. */
    private static void addAll(List<Argument> fields, List<PlanStep.Kernel> steps,
        Function<PlanStep.Kernel, Argument> field, Argument absent) {
        for (int i = 0; i < MOST_TENSORS; i++) {
            fields.add(i < steps.size() ? field.apply(steps.get(i)) : absent);
        }
    }

    private static Argument settings(FusedOp.AdamWUpdate op, DType dtype) {
        return new Argument.Struct(List.of(RowTeam.number(dtype, op.beta1()), RowTeam.number(dtype, 1 - op.beta1()),
            RowTeam.number(dtype, op.beta2()), RowTeam.number(dtype, 1 - op.beta2()),
            RowTeam.number(dtype, op.epsilon()), RowTeam.number(dtype, op.weightDecay())));
    }
}
