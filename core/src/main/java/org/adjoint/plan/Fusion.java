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
 * Gathers elementwise items, and the reductions of what they compute, into units that go through memory once. An item
 * joins the groups that compute its operands where it reads them point by point and where no path leads from the group
 * out and back in through the item.
 */
final class Fusion {
    static final int MAX_INSTRUCTIONS = 48;
    static final int MAX_LOADS = 12;
    static final int MAX_RESULTS = 8;
    /** A search for a path gives up here, and the item does not join: planning time stays linear in bad cases. */
    private static final int MAX_SEARCH = 8192;

    private final boolean fuses;
    private final Set<Unit> units = new LinkedHashSet<>();
    private int searches;

    private Fusion(boolean fuses) {
        this.fuses = fuses;
    }

    /** Gives every item a unit. */
    static List<Unit> group(List<Item> items, boolean fuses) {
        Fusion fusion = new Fusion(fuses);
        for (Item item : items) {
            fusion.place(item);
        }
        return new ArrayList<>(fusion.units);
    }

    private void place(Item item) {
        Unit home = null;
        if (fuses && !item.isKernel() && !item.domain.isEmpty()) {
            for (Unit candidate : candidates(item)) {
                Domain joined = candidate.domain.join(Domain.of(item));
                if (!mayJoin(item, candidate, joined, home)) {
                    continue;
                }
                if (home == null) {
                    home = candidate;
                } else if (mayMerge(home, candidate, item)) {
                    home.merge(candidate, home.domain.join(candidate.domain));
                    units.remove(candidate);
                }
            }
        }
        if (home == null) {
            home = new Unit(item);
            units.add(home);
        } else {
            home.add(item, home.domain.join(Domain.of(item)));
        }
        advance(home, item.index);
    }

    /** The latest of all items is in {@code unit} now, and so in all that units which need it have to wait for. */
    private static void advance(Unit unit, int index) {
        Deque<Unit> stack = new ArrayDeque<>();
        unit.reach = index;
        stack.push(unit);
        while (!stack.isEmpty()) {
            for (Item item : stack.pop().items) {
                for (Value output : item.outputs) {
                    output.readers.forEach(reader -> advance(reader, index, stack));
                    // What comes after the filling of a value.
                    output.writers.forEach(writer -> advance(writer, index, stack));
                }
            }
        }
    }

    private static void advance(Item follower, int index, Deque<Unit> stack) {
        if (follower.unit != null && follower.unit.reach < index) {
            follower.unit.reach = index;
            stack.push(follower.unit);
        }
    }

    /** Groups that compute operands at the points where the item reads them, the latest first. */
    private static List<Unit> candidates(Item item) {
        Set<Unit> blocked = new HashSet<>();
        Set<Unit> found = new HashSet<>();
        if (item.after != null) {
            blocked.add(item.after.unit);
        }
        for (Operand operand : item.inputs) {
            if (operand.isScalar()) {
                continue;
            }
            Item point = operand.isWhole() ? operand.value().point() : null;
            for (Item writer : operand.value().writers) {
                boolean open = writer == point && writer.unit.domain != null;
                (open ? found : blocked).add(writer.unit);
                if (!open && writer.unit.domain != null) {
                    writer.unit.refusals.add(writer.reduce != null ? "what reads its reduction comes after it"
                        : item.name() + " reads it in another order");
                }
            }
        }
        found.removeAll(blocked);
        return found.stream().sorted(Comparator.comparingInt((Unit unit) -> unit.last).reversed()).toList();
    }

    /** @param home what the item joins already, and {@code unit} may be merged with; or null */
    private boolean mayJoin(Item item, Unit unit, Domain joined, Unit home) {
        boolean fits = unit.domain.fits(Domain.of(item));
        String refusal = joined == null ? fits ? "reduction of other axes" : "another domain"
            : unit.instructions + 1 > MAX_INSTRUCTIONS ? "limit of " + MAX_INSTRUCTIONS + " instructions"
            : unit.results + 1 > MAX_RESULTS ? "limit of " + MAX_RESULTS + " results"
            : loads(unit, item) > MAX_LOADS ? "limit of " + MAX_LOADS + " loads"
            : isReached(unit, List.of(item), home) ? item.name() + " also needs what follows from it" : null;
        if (refusal != null) {
            unit.refusals.add(refusal);
        }
        return refusal == null;
    }

    private static int loads(Unit unit, Item item) {
        int count = unit.loads.size();
        for (Operand operand : item.inputs) {
            count += operand.isScalar() || unit.computes(operand) || unit.loads.contains(operand) ? 0 : 1;
        }
        return count;
    }

    private boolean mayMerge(Unit a, Unit b, Item item) {
        Domain joined = a.domain.join(b.domain);
        if (joined == null || joined.join(Domain.of(item)) == null
            || a.instructions + b.instructions + 1 > MAX_INSTRUCTIONS || a.results + b.results + 1 > MAX_RESULTS) {
            return false;
        }
        Set<Operand> loads = new HashSet<>(a.loads);
        loads.addAll(b.loads);
        return loads.size() <= MAX_LOADS && readsPointwise(a, b) && readsPointwise(b, a)
            && !isReached(a, b.items, b) && !isReached(b, a.items, a);
    }

    /** Whether all that {@code reader} takes from {@code source} is taken at the point where it is computed. */
    private static boolean readsPointwise(Unit source, Unit reader) {
        for (Item item : reader.items) {
            if (item.after != null && item.after.unit == source) {
                return false;
            }
        }
        for (Operand operand : reader.loads) {
            Item point = operand.isWhole() ? operand.value().point() : null;
            for (Item writer : operand.value().writers) {
                if (writer.unit == source && writer != point) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Whether a path leads from {@code source} to one of {@code items} through units other than {@code apart}. */
    private boolean isReached(Unit source, List<Item> items, Unit apart) {
        searches++;
        Deque<Unit> stack = new ArrayDeque<>();
        source.mark = searches;
        if (apart != null) {
            apart.mark = searches;
        }
        for (Item item : items) {
            pushSources(item, stack, source.first);
        }
        int visited = 0;
        while (!stack.isEmpty()) {
            Unit unit = stack.pop();
            if (++visited > MAX_SEARCH) {
                return true;
            }
            for (Item item : unit.items) {
                if (readsFrom(item, source)) {
                    return true;
                }
                pushSources(item, stack, source.first);
            }
        }
        return false;
    }

    private static boolean readsFrom(Item item, Unit source) {
        return item.after != null && item.after.unit == source
            || item.awaited.stream().anyMatch(awaited -> awaited.unit == source)
            || item.inputs.stream().anyMatch(operand -> !operand.isScalar()
                && operand.value().writers.stream().anyMatch(writer -> writer.unit == source));
    }

    /** Units that the item needs, but those that need no item after {@code oldest}: they can't follow from it. */
    private void pushSources(Item item, Deque<Unit> stack, int oldest) {
        if (item.after != null) {
            push(item.after.unit, stack, oldest);
        }
        item.awaited.forEach(awaited -> push(awaited.unit, stack, oldest));
        for (Operand operand : item.inputs) {
            if (!operand.isScalar()) {
                for (Item writer : operand.value().writers) {
                    push(writer.unit, stack, oldest);
                }
            }
        }
    }

    private void push(Unit unit, Deque<Unit> stack, int oldest) {
        if (unit.mark != searches && unit.reach > oldest) {
            unit.mark = searches;
            stack.push(unit);
        }
    }
}
