package org.adjoint.contract;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.adjoint.Device;
import org.adjoint.Scope;
import org.adjoint.Tensor;
import org.adjoint.contract.RandomProgram.Call;
import org.adjoint.contract.RandomProgram.Leaf;
import org.adjoint.contract.RandomProgram.Value;
import org.adjoint.graph.Halves;

/** Makes a program smaller for as long as it fails: fewer results, operations made leaves, rounder numbers. */
final class ProgramShrinker {
    private static final int MOST_RUNS = 400;

    private final Test test;
    private int runs;

    ProgramShrinker(Test test) {
        this.test = test;
    }

    /** What is wrong with a program, or null. */
    @FunctionalInterface
    interface Test {
        String failure(RandomProgram program);
    }

    /** A program and what is wrong with it. */
    record Found(RandomProgram program, String message) { }

    Found shrink(RandomProgram program, String message) {
        Found found = new Found(program, message);
        Found before;
        do {
            before = found;
            found = fewerResults(found);
            found = fewerOperations(found);
        } while (found.program != before.program && runs < MOST_RUNS);
        return rounder(found);
    }

    private Found smaller(Found found, RandomProgram candidate) {
        if (runs >= MOST_RUNS) {
            return found;
        }
        runs++;
        String message = test.failure(candidate);
        return message == null ? found : new Found(candidate, message);
    }

    private Found fewerResults(Found found) {
        for (int result : found.program.results()) {
            Found alone = smaller(found, found.program.withResults(List.of(result)));
            if (alone != found && found.program.results().size() > 1) {
                return alone;
            }
        }
        for (int i = found.program.results().size() - 1; i >= 0 && found.program.results().size() > 1; i--) {
            List<Integer> fewer = new ArrayList<>(found.program.results());
            fewer.remove(i);
            found = smaller(found, found.program.withResults(fewer));
        }
        return found;
    }

    /** An operation's operand takes the place of a result; or what an operation gives becomes a leaf. */
    private Found fewerOperations(Found found) {
        for (int i = found.program.values().size() - 1; i >= 0; i--) {
            RandomProgram program = found.program;
            if (i >= program.values().size() || !(program.values().get(i) instanceof Call call)) {
                continue;
            }
            int position = i;
            if (program.results().contains(i)) {
                List<Integer> results = new ArrayList<>(program.results());
                results.remove(Integer.valueOf(position));
                call.operands().stream().filter(operand -> !results.contains(operand)
                    && program.values().get(operand) instanceof Call).forEach(results::add);
                found = results.isEmpty() ? found : smaller(found, program.withResults(results));
            }
            if (found.program == program) {
                RandomProgram cut = program.with(i, leaf(program, i)).withoutUnused();
                found = cut.calls() == 0 ? found : smaller(found, cut);
            }
        }
        return found;
    }

    /** A leaf with the numbers that an operation gives. */
    private static Leaf leaf(RandomProgram program, int position) {
        Call call = (Call) program.values().get(position);
        try (Device reference = Device.open("reference"); Scope scope = reference.scope()) {
            List<Tensor> leaves = program.leaves().stream()
                .map(i -> RandomProgram.upload(reference, (Leaf) program.values().get(i), true)).toList();
            Tensor value = program.evaluate(leaves, true, null)[position];
            double[] numbers = value.toDoubleArray();
            if (call.dtype().isFloating()) {
                Arrays.setAll(numbers, i -> Halves.round(call.dtype(), numbers[i]));
            }
            return new Leaf(call.dtype(), value.shape(), numbers);
        }
    }

    /** Numbers of fewer digits, where they will do. */
    private Found rounder(Found found) {
        for (int i = 0; i < found.program.values().size(); i++) {
            Value value = found.program.values().get(i);
            if (value instanceof Leaf leaf && leaf.dtype().isFloating()) {
                double[] numbers = Arrays.stream(leaf.numbers()).map(number -> Math.rint(number * 8) / 8).toArray();
                found = smaller(found, found.program.with(i, new Leaf(leaf.dtype(), leaf.shape(), numbers)));
            }
        }
        return found;
    }
}
