package org.adjoint;

import java.util.ArrayList;
import java.util.List;
import org.adjoint.backend.Buffer;
import org.adjoint.backend.Executable;
import org.adjoint.graph.Node;
import org.adjoint.graph.TensorType;
import org.adjoint.plan.Plan;
import org.adjoint.plan.Program;

/**
 * A trace of a step's function, planned and compiled, with where its buffers come from at each run.
 *
 * @param arguments their types, which with the guards are what the trace holds for
 * @param bindings of the plan's leaves, in order
 * @param scalars the plan's, the same in all runs
 */
record CompiledTrace(List<TensorType> arguments, List<Trace.Guard> guards, Binding[] bindings, List<TensorType> results,
    long[] scalars, Plan plan, Executable executable) {

    /** Where the buffer of a plan's leaf comes from. */
    sealed interface Binding {
        record Argument(int index) implements Binding { }

        record Read(Variable variable) implements Binding { }

        record Write(Variable variable) implements Binding { }

        /** @param node held for its memory: a variable that it reads must not be overwritten while the step lives */
        record Captured(Node node) implements Binding { }
    }

    static CompiledTrace of(Device device, List<Node> arguments, List<Node> results, Trace trace) {
        List<Node> firstLeaves = new ArrayList<>(arguments);
        firstLeaves.addAll(trace.leaves().values());
        Program program = Program.of(results, trace.stores(), firstLeaves, true);
        Plan plan = device.plan(program);
        return new CompiledTrace(types(arguments), trace.guards(), bindings(program, trace, arguments.size()),
            types(results), program.scalars(), plan, device.driver().compile(plan));
    }

    private static List<TensorType> types(List<Node> nodes) {
        return nodes.stream().map(Node::type).toList();
    }

    private static Binding[] bindings(Program program, Trace trace, int arguments) {
        List<Node> leaves = program.leaves();
        List<Variable> stored = trace.storedVariables();
        List<Variable> variables = List.copyOf(trace.leaves().keySet());
        Binding[] bindings = new Binding[leaves.size()];
        for (int i = 0; i < bindings.length; i++) {
            int variable = i - arguments;
            if (variable < 0) {
                bindings[i] = new Binding.Argument(i);
            } else if (variable < variables.size()) {
                Variable bound = variables.get(variable);
                bindings[i] = stored.contains(bound) ? new Binding.Write(bound) : new Binding.Read(bound);
            } else if (leaves.get(i).value() instanceof Storage) {
                bindings[i] = new Binding.Captured(leaves.get(i));
            } else {
                throw new IllegalStateException("Step.run: a tensor " + leaves.get(i).type()
                    + " of another traced function is used in this one");
            }
        }
        return bindings;
    }

    /** Whether a run with arguments of these types would record the same. */
    boolean fits(List<TensorType> types) {
        return arguments.equals(types) && guards.stream().allMatch(Trace.Guard::holds);
    }

    /**
     * The buffers of a run, to be asked for while no other one runs on the device.
     *
     * @param made gets the fresh memory of each result, also of those before one for which there was none
     */
    Buffer[] bind(Device device, List<Tensor> given, List<Storage> made, Scope owner) {
        Buffer[] externals = new Buffer[bindings.length + results.size()];
        for (int i = 0; i < bindings.length; i++) {
            externals[i] = switch (bindings[i]) {
                case Binding.Argument(int index) ->
                    device.leafBuffer(given.get(index).operand("Step.run"), "Step.run");
                case Binding.Read(Variable variable) -> variable.bufferToRead();
                case Binding.Write(Variable variable) -> variable.bufferToWrite();
                case Binding.Captured(Node node) -> device.leafBuffer(node, "Step.run");
            };
        }
        for (int i = 0; i < results.size(); i++) {
            Storage storage = device.allocate(results.get(i), owner);
            made.add(storage);
            externals[bindings.length + i] = storage.buffer("Step.run");
        }
        return externals;
    }

    /** What a run needs. */
    Step.Memory memory() {
        long resident = 0;
        for (int i = 0; i < bindings.length; i++) {
            resident += plan.slots().get(i).bytes();
        }
        return new Step.Memory(plan.arenaBytes(), resident, results.stream().mapToLong(TensorType::bytes).sum());
    }
}
