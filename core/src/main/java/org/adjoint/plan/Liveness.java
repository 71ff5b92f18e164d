package org.adjoint.plan;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Finds what each unit has to do, now that it is known what is read from memory and what stays within a group. */
final class Liveness {
    private final Map<Unit, Set<Item>> needed = new HashMap<>();

    private Liveness() { }

    /** The tasks of the units, without those that have nothing to do. */
    static List<Task> tasks(List<Item> items, List<Unit> units) {
        return new Liveness().run(items, units);
    }

    private List<Task> run(List<Item> items, List<Unit> units) {
        for (int i = items.size() - 1; i >= 0; i--) {
            Item item = items.get(i);
            if (isWorthwhile(item) && item.outputs.stream().anyMatch(output -> output.pinned || output.stored)) {
                need(item, item.unit);
                item.outputs.forEach(output -> output.stored |= item.isKernel() || output.pinned);
            }
            visit(item, item.unit);
            item.copies.forEach(unit -> visit(item, unit));
        }
        List<Task> tasks = new ArrayList<>();
        for (Unit unit : units) {
            if (needed.containsKey(unit)) {
                tasks.add(task(unit));
            }
        }
        return tasks;
    }

    private void need(Item item, Unit unit) {
        needed.computeIfAbsent(unit, _ -> new HashSet<>()).add(item);
    }

    private boolean isNeeded(Item item, Unit unit) {
        return needed.getOrDefault(unit, Set.of()).contains(item);
    }

    /** An item that writes no element at all is never run. */
    private static boolean isWorthwhile(Item item) {
        return item.isKernel() ? item.outputs.stream().anyMatch(output -> !output.type.shape().isEmpty())
            : !item.domain.isEmpty() || item.reduce != null && !item.output().type.shape().isEmpty();
    }

    private void visit(Item item, Unit unit) {
        if (!isNeeded(item, unit)) {
            return;
        }
        for (Operand operand : item.inputs) {
            if (operand.isScalar()) {
                continue;
            }
            if (unit.computes(operand)) {
                need(operand.value().point(), unit);
            } else {
                operand.value().stored = true;
            }
        }
    }

    private Task task(Unit unit) {
        List<Item> lines = new ArrayList<>(unit.items);
        lines.addAll(unit.recomputed);
        lines.removeIf(item -> !isNeeded(item, unit));
        lines.sort(Comparator.comparingInt(item -> item.index));
        Set<Operand> loads = new LinkedHashSet<>();
        for (Item item : lines) {
            for (Operand operand : item.inputs) {
                if (!operand.isScalar() && !unit.computes(operand)) {
                    loads.add(operand);
                }
            }
        }
        return new Task(unit, lines, List.copyOf(loads));
    }
}
