package org.adjoint.contract;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;

/**
 * A program: values that follow from each other, of which some are results.
 *
 * @param values each of values before it
 * @param results positions of results
 */
record RandomProgram(List<Value> values, List<Integer> results) {
    /** Where a value comes from. */
    sealed interface Value {
        DType dtype();
    }

    /** Numbers. */
    record Leaf(DType dtype, Shape shape, double[] numbers) implements Value { }

    /**
     * An operation.
     *
     * @param code in Java, with $0, $1, ... for the operands
     * @param operands their positions
     * @param function what the code does
     * @param wide what it does where all floating values are {@code F64}
     */
    record Call(DType dtype, String code, List<Integer> operands, Function<Tensor[], Tensor> function,
        Function<Tensor[], Tensor> wide) implements Value { }

    /** What becomes of a floating value that the program holds in this dtype. */
    @FunctionalInterface
    interface Noise {
        Tensor disturbed(DType dtype, Tensor value);
    }

    /** Positions of floating leaves, which gradients are taken of. */
    List<Integer> sources() {
        return IntStream.range(0, values.size())
            .filter(i -> values.get(i) instanceof Leaf leaf && leaf.dtype().isFloating()).boxed().toList();
    }

    List<Integer> leaves() {
        return IntStream.range(0, values.size()).filter(i -> values.get(i) instanceof Leaf).boxed().toList();
    }

    int calls() {
        return values.size() - leaves().size();
    }

    /** A leaf on a device, in {@code F64} if {@code wide}. */
    static Tensor upload(Device device, Leaf leaf, boolean wide) {
        return device.tensor(leaf.numbers(), leaf.shape())
            .to(wide && leaf.dtype().isFloating() ? DType.F64 : leaf.dtype());
    }

    /**
     * All values.
     *
     * @param leaves of the program, in order
     * @param wide whether floating values are {@code F64}
     * @param noise applied to every floating value, or null
     */
    Tensor[] evaluate(List<Tensor> leaves, boolean wide, Noise noise) {
        Tensor[] tensors = new Tensor[values.size()];
        int next = 0;
        for (int i = 0; i < tensors.length; i++) {
            Tensor tensor = switch (values.get(i)) {
                case Leaf _ -> leaves.get(next++);
                case Call call -> (wide ? call.wide : call.function)
                    .apply(call.operands.stream().map(operand -> tensors[operand]).toArray(Tensor[]::new));
            };
            tensors[i] = noise == null || !tensor.dtype().isFloating() ? tensor
                : noise.disturbed(values.get(i).dtype(), tensor);
        }
        return tensors;
    }

    /** What is read of a program: its results and, where one is floating, the gradients of {@link #sources}. */
    List<Tensor> outcome(List<Tensor> leaves, boolean wide, Noise noise) {
        Tensor[] tensors = evaluate(leaves, wide, noise);
        List<Tensor> outcome = new ArrayList<>();
        results.forEach(result -> outcome.add(tensors[result]));
        List<Integer> sources = sources();
        if (isDifferentiated()) {
            List<Integer> positions = leaves();
            outcome.addAll(loss(tensors).gradients(sources.stream().map(source -> leaves.get(positions.indexOf(source)))
                .toList()));
        }
        return outcome;
    }

    boolean isDifferentiated() {
        return results.stream().anyMatch(result -> values.get(result).dtype().isFloating());
    }

    /** Whether gradients are not what differences would say. */
    boolean stopsGradients() {
        return values.stream().anyMatch(value -> value instanceof Call call && call.code.contains("stopGradient"));
    }

    /** The sum of the floating results, each element times a weight of its own. */
    Tensor loss(Tensor[] tensors) {
        Tensor loss = null;
        for (int result : results) {
            Tensor value = tensors[result];
            if (value.dtype().isFloating()) {
                DType dtype = value.dtype() == DType.F64 ? DType.F64 : DType.F32;
                Tensor weights = value.device().arange(dtype, value.shape().elements()).add(result).sin()
                    .reshape(value.shape().toArray());
                Tensor term = value.to(dtype).mul(weights).sum();
                loss = loss == null ? term : loss.add(term);
            }
        }
        return loss;
    }

    /** Without the values that no result needs. */
    RandomProgram withoutUnused() {
        Set<Integer> used = new TreeSet<>(results);
        for (int i = values.size() - 1; i >= 0; i--) {
            if (used.contains(i) && values.get(i) instanceof Call call) {
                used.addAll(call.operands);
            }
        }
        int[] moved = new int[values.size()];
        List<Value> kept = new ArrayList<>();
        for (int i : used) {
            moved[i] = kept.size();
            kept.add(values.get(i) instanceof Call call ? new Call(call.dtype, call.code,
                call.operands.stream().map(operand -> moved[operand]).toList(), call.function, call.wide)
                : values.get(i));
        }
        return new RandomProgram(kept, results.stream().map(result -> moved[result]).distinct().toList());
    }

    /** With another value at a position. */
    RandomProgram with(int position, Value value) {
        List<Value> changed = new ArrayList<>(values);
        changed.set(position, value);
        return new RandomProgram(changed, results);
    }

    RandomProgram withResults(List<Integer> chosen) {
        return new RandomProgram(values, chosen).withoutUnused();
    }

    /** A Java program that prints the results and gradients on a device, and what the reference gives. */
    String code(String device) {
        StringBuilder code = new StringBuilder("""
            import java.util.List;
            import org.adjoint.*;
            import org.adjoint.graph.*;

            class Program {
                public static void main(String[] arguments) {
            """);
        List<String> names = List.of(device, "reference");
        for (String name : device.equals("reference") ? List.of(device) : names) {
            code.append("        run(\"").append(name).append("\");\n");
        }
        code.append("    }\n\n    static void run(String name) {\n        try (Device device = Device.open(name)) {\n");
        for (int i = 0; i < values.size(); i++) {
            code.append("            Tensor x").append(i).append(" = ").append(line(values.get(i))).append(";\n");
        }
        for (int result : results) {
            code.append("            System.out.println(x").append(result).append(");\n");
        }
        if (isDifferentiated()) {
            code.append(lossCode());
            for (int source : sources()) {
                code.append("            System.out.println(loss.gradient(x").append(source).append("));\n");
            }
        }
        return code.append("        }\n    }\n}\n").toString();
    }

    private String lossCode() {
        List<String> terms = new ArrayList<>();
        for (int result : results) {
            DType dtype = values.get(result).dtype();
            if (dtype.isFloating()) {
                String sum = dtype == DType.F64 ? "F64" : "F32";
                String x = "x" + result;
                terms.add(x + ".to(DType." + sum + ").mul(device.arange(DType." + sum + ", " + x
                    + ".shape().elements()).add(" + result + ").sin().reshape(" + x + ".shape().toArray())).sum()");
            }
        }
        StringBuilder code = new StringBuilder("            Tensor loss = ").append(terms.getFirst());
        terms.stream().skip(1).forEach(term -> code.append("\n                .add(").append(term).append(")"));
        return code.append(";\n").toString();
    }

    private static String line(Value value) {
        return switch (value) {
            case Leaf leaf -> {
                String numbers = Arrays.toString(leaf.numbers);
                String extents = Arrays.toString(leaf.shape.toArray());
                yield "device.tensor(new double[] {" + numbers.substring(1, numbers.length() - 1) + "}, new long[] {"
                    + extents.substring(1, extents.length() - 1) + "}).to(DType." + leaf.dtype + ")";
            }
            case Call call -> {
                String code = call.code;
                for (int i = call.operands.size() - 1; i >= 0; i--) {
                    code = code.replace("$" + i, "x" + call.operands.get(i));
                }
                yield code;
            }
        };
    }
}
