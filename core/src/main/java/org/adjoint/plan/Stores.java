package org.adjoint.plan;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Decides for each store whether the value is computed right into the leaf's memory. That needs every other reader of
 * the old value to run before, which is made so by edges unless they would close a cycle; then the value is copied at
 * the end.
 */
final class Stores {
    /** {@code value} has to lie in the memory of {@code leaf} at the end. */
    record Order(Value leaf, Value value) { }

    private final List<Task> tasks;
    private final Map<Value, Set<Task>> readers = new HashMap<>();
    private int searches;

    private Stores(List<Task> tasks) {
        this.tasks = tasks;
        for (Task task : tasks) {
            for (Operand load : task.loads) {
                readers.computeIfAbsent(load.value(), _ -> new LinkedHashSet<>()).add(task);
            }
        }
    }

    /** Sets homes, adds edges, and adds tasks that copy; {@code nextIndex} is the index of the next item. */
    static void apply(List<Order> orders, List<Task> tasks, int nextIndex) {
        Stores stores = new Stores(tasks);
        List<Order> copies = new ArrayList<>();
        for (Order order : orders) {
            if (stores.claim(order.value, order.leaf)) {
                stores.claimInputs(order.value, order.leaf);
            } else {
                copies.add(order);
            }
        }
        for (Order order : copies) {
            stores.copy(order, nextIndex++);
        }
    }

    /** Lets {@code value} be computed into the memory of {@code leaf} if that is safe. */
    private boolean claim(Value value, Value leaf) {
        Item writer = value.writers.size() == 1 ? value.writers.getFirst() : null;
        if (value.home != Value.ARENA || writer == null) {
            return false;
        }
        Task task = writer.unit.task;
        Set<Task> others = others(leaf, task);
        if (!task.mayOverwrite(leaf, value) && reads(task, leaf) || isReached(others, task)) {
            return false;
        }
        others.forEach(task::follow);
        value.home = leaf.home;
        return true;
    }

    /** A chain of updates of one leaf happens in its memory from the first on. */
    private void claimInputs(Value value, Value leaf) {
        Value updated = updatedInput(value);
        while (updated != null && !updated.pinned) {
            Task task = value.writers.getFirst().unit.task;
            Set<Task> others = others(updated, task);
            if (!task.mayOverwrite(updated, value) || isReached(others, task) || !claim(updated, leaf)) {
                return;
            }
            others.forEach(task::follow);
            value = updated;
            updated = updatedInput(value);
        }
    }

    /** The computed value that the kernel which writes {@code value} can update in place, or null. */
    private static Value updatedInput(Value value) {
        Item writer = value.writers.getFirst();
        if (writer.isKernel()) {
            for (int i = 0; i < writer.inputs.size(); i++) {
                Value input = writer.inputs.get(i).value();
                int result = Items.updatedBy(writer.op, writer.outputs.size(), i);
                if (result >= 0 && writer.outputs.get(result) == value && !input.writers.isEmpty()) {
                    return input;
                }
            }
        }
        return null;
    }

    private Set<Task> others(Value value, Task task) {
        Set<Task> others = new LinkedHashSet<>(readers.getOrDefault(value, Set.of()));
        others.remove(task);
        return others;
    }

    private static boolean reads(Task task, Value value) {
        return task.loads.stream().anyMatch(load -> load.value() == value);
    }

    private void copy(Order order, int index) {
        Value copy = new Value(order.value.type);
        copy.home = order.leaf.home;
        copy.pinned = true;
        copy.stored = true;
        Operand source = Operand.whole(order.value);
        Unit unit = new Unit(Item.copy(index, source, copy, source.layout(), null));
        Task task = new Task(unit, unit.items, List.of(source));
        task.link();
        others(order.leaf, task).forEach(task::follow);
        readers.computeIfAbsent(order.value, _ -> new LinkedHashSet<>()).add(task);
        tasks.add(task);
    }

    /** Whether one of {@code targets} has to run after {@code task}. */
    private boolean isReached(Set<Task> targets, Task task) {
        searches++;
        Deque<Task> stack = new ArrayDeque<>();
        stack.push(task);
        while (!targets.isEmpty() && !stack.isEmpty()) {
            for (Task next : stack.pop().after) {
                if (targets.contains(next)) {
                    return true;
                }
                if (next.mark != searches) {
                    next.mark = searches;
                    stack.push(next);
                }
            }
        }
        return false;
    }
}
