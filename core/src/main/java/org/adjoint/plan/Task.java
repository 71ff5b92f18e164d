package org.adjoint.plan;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** A unit reduced to what it has to do, with its place in the order of execution. */
final class Task {
    final Unit unit;
    /** What it computes, in topological order; some may be other units' items computed again. */
    final List<Item> lines;
    /** What it reads from memory. */
    final List<Operand> loads;
    /** Its own lines whose values go to memory. */
    final List<Item> writers = new ArrayList<>();
    /** The values that these write, in order. */
    final List<Value> outputs = new ArrayList<>();
    final Set<Task> before = new LinkedHashSet<>();
    final Set<Task> after = new LinkedHashSet<>();
    /** What is urgent, with a low number here, runs as soon as it can. */
    int urgency;
    /** Position in the schedule. */
    int position;
    /** The last search that came by. */
    int mark;

    Task(Unit unit, List<Item> lines, List<Operand> loads) {
        this.unit = unit;
        this.lines = lines;
        this.loads = loads;
        unit.task = this;
        for (Item line : lines) {
            if (line.unit == unit && (line.isKernel() || line.output().stored)) {
                writers.add(line);
                outputs.addAll(line.outputs);
            }
        }
    }

    /** Adds the edges from what it reads and from what it has to follow. */
    void link() {
        for (Operand load : loads) {
            for (Item writer : load.value().writers) {
                follow(writer.unit.task);
            }
        }
        for (Item line : writers) {
            if (line.after != null) {
                follow(line.after.unit.task);
            }
        }
        for (Item line : lines) {
            // What is computed here again for another unit's sake waits for nothing: it only saves memory.
            if (line.unit == unit) {
                line.awaited.forEach(awaited -> follow(awaited.unit.task));
            }
        }
    }

    /** Runs after {@code other}, if that is a task at all. */
    void follow(Task other) {
        if (other != null && other != this) {
            before.add(other);
            other.after.add(this);
        }
    }

    boolean isKernel() {
        return unit.isKernel();
    }

    Item kernel() {
        return lines.getFirst();
    }

    /** Position of its first line in the program. */
    int birth() {
        return lines.getFirst().index;
    }

    /**
     * Whether {@code output} may lie where {@code input}, which is as large, lies: every element is read, if at all,
     * by the time it is written.
     */
    boolean mayOverwrite(Value input, Value output) {
        if (input.type.bytes() != output.type.bytes() || input.type.dtype().bytes() != output.type.dtype().bytes()) {
            return false;
        }
        if (!isKernel()) {
            return output.point() != null
                && loads.stream().allMatch(load -> load.value() != input || load.isWhole());
        }
        Item kernel = kernel();
        int result = kernel.outputs.indexOf(output);
        for (int i = 0; i < kernel.inputs.size(); i++) {
            Operand operand = kernel.inputs.get(i);
            if (operand.value() == input && (!operand.isWhole() || !operand.layout().shape().equals(output.type.shape())
                || Items.updatedBy(kernel.op, kernel.outputs.size(), i) != result)) {
                return false;
            }
        }
        return true;
    }
}
