package org.adjoint.plan;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.adjoint.graph.Op;

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
        stores.followChecks(orders);
    }

    /**
     * Makes leaves change only when every index has been found in range, so that a run that fails leaves them as they
     * were; but for a store that the indices depend on themselves.
     */
    private void followChecks(List<Order> orders) {
        Set<Integer> homes = new HashSet<>();
        orders.forEach(order -> homes.add(order.leaf.home));
        List<Task> writers = tasks.stream().filter(task -> task.outputs.stream().anyMatch(value ->
            homes.contains(value.home))).toList();
        Map<Value, Long> checked = new HashMap<>();
        List<Task> byBirth = new ArrayList<>(tasks);
        byBirth.sort(Comparator.comparingInt(Task::birth));
        for (Task task : byBirth) {
            if (!writers.isEmpty() && task.isKernel() && mayFail(task.kernel(), checked)) {
                Set<Task> earlier = ancestors(task);
                for (Task writer : writers) {
                    if (!earlier.contains(writer)) {
                        writer.follow(task);
                    }
                }
            }
        }
    }

    /** Whether a kernel's indices may be out of range, given the values that were checked, with their limits. */
    private static boolean mayFail(Item kernel, Map<Value, Long> checked) {
        if (kernel.op instanceof Op.Scan scan) {
            return scan.body().checksIndices();
        }
        Op.Indices indices = kernel.op.indices();
        if (indices == null || indices.axis() < 0) {
            return indices != null;
        }
        Operand operand = kernel.inputs.get(indices.input());
        long limit = kernel.inputs.getFirst().layout().shape().extent(indices.axis());
        boolean known = checked.getOrDefault(operand.value(), Long.MAX_VALUE) <= limit;
        if (!operand.layout().mayOverlap()
            && operand.layout().distinctElements() == operand.value().type.shape().elements()) {
            checked.merge(operand.value(), limit, Math::min);
        }
        return !known;
    }

    private static Set<Task> ancestors(Task task) {
        Set<Task> found = new HashSet<>();
        Deque<Task> stack = new ArrayDeque<>(task.before);
        while (!stack.isEmpty()) {
            Task next = stack.pop();
            if (found.add(next)) {
                stack.addAll(next.before);
            }
        }
        return found;
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
