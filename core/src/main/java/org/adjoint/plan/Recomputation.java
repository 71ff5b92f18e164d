package org.adjoint.plan;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Spares the memory of values that only other groups read, where these can compute them again from no more than they
 * would have to load: so the backward pass of GELU needs what GELU was given, not what it made of it.
 */
final class Recomputation {
    private static final int MAX_INSTRUCTIONS = 16;
    private static final int MAX_GROUP = 64;

    private Recomputation() { }

    /** What a unit has to compute and to load in place of a value. */
    private record Cone(Unit unit, List<Item> items, Set<Operand> loads) { }

    static void apply(List<Unit> units) {
        for (Unit unit : units) {
            if (unit.domain != null) {
                // What is recomputed first is at hand for what follows from it.
                for (Item item : List.copyOf(unit.items)) {
                    consider(item);
                }
            }
        }
    }

    private static void consider(Item item) {
        Value value = item.output();
        if (value.pinned || value.point() != item) {
            return;
        }
        Set<Unit> loaders = new LinkedHashSet<>();
        for (Item reader : value.readers) {
            if (reader.isKernel() || reader.unit.domain == null) {
                return;
            }
            for (Operand input : reader.inputs) {
                if (input.value() == value && !input.isWhole()) {
                    return;
                }
            }
            loaders.add(reader.unit);
            loaders.addAll(reader.copies);
        }
        loaders.removeIf(unit -> unit.holds(item));
        List<Cone> cones = new ArrayList<>();
        for (Unit loader : loaders) {
            Cone cone = cone(item, loader);
            if (cone == null) {
                return;
            }
            cones.add(cone);
        }
        cones.forEach(cone -> takeIn(cone, value));
    }

    /** What {@code unit} needs to compute {@code root} itself; null if that is too much. */
    private static Cone cone(Item root, Unit unit) {
        List<Item> items = new ArrayList<>();
        Set<Operand> loads = new LinkedHashSet<>();
        Set<Item> seen = new HashSet<>();
        Deque<Item> stack = new ArrayDeque<>();
        stack.push(root);
        while (!stack.isEmpty()) {
            Item item = stack.pop();
            if (!seen.add(item)) {
                continue;
            }
            items.add(item);
            if (items.size() > MAX_INSTRUCTIONS) {
                return null;
            }
            for (Operand operand : item.inputs) {
                if (operand.isScalar() || unit.computes(operand) || unit.loads.contains(operand)) {
                    continue;
                }
                // What is in memory anyway is cheaper to load than to compute.
                if (root.unit.computes(operand) && !Unit.mustBeStored(operand.value().point())) {
                    stack.push(operand.value().point());
                } else {
                    loads.add(operand);
                }
            }
        }
        Value value = root.output();
        long bytes = loads.stream().mapToLong(load -> load.layout().distinctElements() * load.dtype().bytes()).sum();
        boolean fits = unit.domain.join(root.unit.domain.unfolded()) != null
            && unit.instructions + items.size() <= MAX_GROUP && unit.loads.size() - 1 + loads.size() <= Fusion.MAX_LOADS
            && bytes <= value.type.bytes() + value.type.bytes() / 8;
        items.sort(Comparator.comparingInt(item -> item.index));
        return fits ? new Cone(unit, items, loads) : null;
    }

    private static void takeIn(Cone cone, Value value) {
        Unit unit = cone.unit;
        for (Item item : cone.items) {
            item.copies.add(unit);
            unit.recomputed.add(item);
            unit.instructions += item.isCopy() ? 0 : 1;
            unit.domain = unit.domain.join(item.unit.domain.unfolded());
        }
        unit.loads.removeIf(load -> load.value() == value && load.isWhole());
        unit.loads.addAll(cone.loads);
    }
}
