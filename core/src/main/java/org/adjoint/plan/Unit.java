package org.adjoint.plan;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** What becomes one step: a kernel, or a group of items over one domain. */
final class Unit {
    /** What it consists of, in topological order. */
    final List<Item> items = new ArrayList<>();
    /** Items of other units that this one computes again rather than read their values. */
    final List<Item> recomputed = new ArrayList<>(0);
    /** What it reads from memory, each once; scalars are not listed. */
    final Set<Operand> loads = new LinkedHashSet<>();
    /** The domain of all items; null for a kernel and for an empty domain. */
    Domain domain;
    /** Operations at each point. */
    int instructions;
    /** Values that have to be stored whatever joins. */
    int results;
    /** Positions of the first and the last item. */
    int first;
    int last;
    /** Position of the last item in this unit and in those that it needs, directly or not. */
    int reach;
    /** Why others did not join, for people. */
    final Set<String> refusals = new LinkedHashSet<>(0);
    /** The last search that came by. */
    int mark;
    /** What is left to do of it; null if that is nothing. */
    Task task;

    Unit(Item item) {
        first = item.index;
        if (!item.isKernel() && !item.domain.isEmpty()) {
            domain = Domain.of(item);
        }
        add(item, domain);
    }

    boolean isKernel() {
        return items.getFirst().isKernel();
    }

    /** Takes an item in; {@code joined} is the domain that serves it too. */
    void add(Item item, Domain joined) {
        items.add(item);
        item.unit = this;
        domain = joined;
        last = item.index;
        instructions += item.isKernel() || item.isCopy() ? 0 : 1;
        results += mustBeStored(item) ? 1 : 0;
        addLoads(item);
    }

    private void addLoads(Item item) {
        for (Operand operand : item.inputs) {
            if (!operand.isScalar() && !computes(operand)) {
                loads.add(operand);
            }
        }
    }

    /** Takes in another group. */
    void merge(Unit other, Domain joined) {
        domain = joined;
        items.addAll(other.items);
        items.sort(Comparator.comparingInt(item -> item.index));
        first = items.getFirst().index;
        last = items.getLast().index;
        instructions += other.instructions;
        results += other.results;
        other.items.forEach(item -> item.unit = this);
        refusals.addAll(other.refusals);
        loads.clear();
        items.forEach(this::addLoads);
    }

    /** Whether what the operand reads is at hand at each point without a load. */
    boolean computes(Operand operand) {
        Item point = operand.isWhole() ? operand.value().point() : null;
        return point != null && holds(point);
    }

    /** Whether the item is computed here, as its own or again. */
    boolean holds(Item item) {
        return item.unit == this || item.copies.contains(this);
    }

    /** Whether the item's value goes to memory whatever the groups: a result, or read other than point by point. */
    static boolean mustBeStored(Item item) {
        if (item.isKernel() || item.output().pinned || item.output().point() == null) {
            return true;
        }
        return item.output().readers.stream().anyMatch(reader -> reader.isKernel()
            || reader.inputs.stream().anyMatch(input -> input.value() == item.output() && !input.isWhole()));
    }
}
