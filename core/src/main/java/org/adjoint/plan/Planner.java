package org.adjoint.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.adjoint.graph.Node;
import org.adjoint.graph.Op;

/**
 * Turns a program into a plan: nodes are lowered to terms and simplified, terms become items over memory (movement
 * becomes views), items are fused into groups, stores find their places, and the steps get an order and memory.
 *
 * <p>External slots of the plan are the program's leaves, then its results, in order. Equal programs get equal plans.
 */
public final class Planner {
    private Planner() { }

    public static Plan plan(Program program, Target target) {
        Lowering lowering = new Lowering(program, target);
        Terms terms = lowering.run();
        Map<Term, ScanParts> scans = new HashMap<>();
        Items items = new Items(terms.all(), live(program, lowering, terms.all(), scans), scans, target);
        int leaves = program.leaves().size();
        for (int i = 0; i < leaves; i++) {
            items.operand(lowering.term(program.leaves().get(i))).value().home = i;
        }
        placeResults(program, lowering, items);
        List<Stores.Order> stores = orderStores(program, lowering, items);
        List<Unit> units = Fusion.group(items.all(), target.fuses());
        if (target.fuses()) {
            Recomputation.apply(units);
        }
        List<Task> tasks = Liveness.tasks(items.all(), units);
        tasks.forEach(Task::link);
        Stores.apply(stores, tasks, items.all().size());
        List<Task> schedule = Schedule.order(tasks);
        List<Slot> slots = externalSlots(program);
        int externals = slots.size();
        MemoryPlan memory = new MemoryPlan(schedule, slots);
        List<PlanStep> steps = new ArrayList<>();
        List<String> notes = new ArrayList<>();
        for (Task task : schedule) {
            steps.add(task.isKernel() ? kernel(task.kernel(), memory) : GroupWriter.write(task, memory));
            notes.add(Notes.of(task, leaves));
        }
        return new Plan(slots, steps, leaves, externals, program.constants().size(), terms.extraScalars(),
            memory.arenaBytes(), notes);
    }

    /** The terms that results and stores need, and all leaves; of scans, what is needed goes to {@code scans}. */
    private static boolean[] live(Program program, Lowering lowering, List<Term> terms, Map<Term, ScanParts> scans) {
        boolean[] live = new boolean[terms.size()];
        program.leaves().forEach(leaf -> live[lowering.term(leaf).index] = true);
        program.results().forEach(result -> live[lowering.term(result).index] = true);
        program.stores().forEach(store -> live[lowering.term(store.value()).index] = true);
        Map<Term, Set<Integer>> wanted = new HashMap<>();
        // Readers come behind what they read, so all of a term's are known when it is its turn.
        for (Term term : terms.reversed()) {
            if (!live[term.index]) {
                continue;
            }
            if (term.op instanceof Op.Project project) {
                wanted.computeIfAbsent(term.input(0), _ -> new HashSet<>()).add(project.index());
            }
            ScanParts parts = term.op instanceof Op.Scan scan ? new ScanParts(scan, wanted.get(term)) : null;
            if (parts != null) {
                scans.put(term, parts);
            }
            for (int i = 0; i < term.inputs.size(); i++) {
                live[term.input(i).index] |= parts == null || parts.reads(i);
            }
        }
        return live;
    }

    private static void placeResults(Program program, Lowering lowering, Items items) {
        for (int i = 0; i < program.results().size(); i++) {
            Value value = items.placeable(items.operand(lowering.term(program.results().get(i))));
            value.home = program.leaves().size() + i;
        }
    }

    /** The last store to each leaf, but for those that leave what is there. */
    private static List<Stores.Order> orderStores(Program program, Lowering lowering, Items items) {
        List<Stores.Order> orders = new ArrayList<>();
        Set<Node> seen = new LinkedHashSet<>();
        for (Program.Store store : program.stores().reversed()) {
            Value leaf = items.operand(lowering.term(store.target())).value();
            Operand operand = items.operand(lowering.term(store.value()));
            boolean keeps = operand.value() == leaf && operand.isWhole();
            if (seen.add(store.target()) && !keeps && !operand.shape().isEmpty()) {
                orders.addFirst(new Stores.Order(leaf, items.placeable(operand)));
            }
        }
        return orders;
    }

    private static List<Slot> externalSlots(Program program) {
        List<Slot> slots = new ArrayList<>();
        List<Node> nodes = new ArrayList<>(program.leaves());
        nodes.addAll(program.results());
        for (Node node : nodes) {
            slots.add(new Slot(Slot.Kind.EXTERNAL, slots.size(), node.type().bytes()));
        }
        return slots;
    }

    private static PlanStep kernel(Item item, MemoryPlan memory) {
        List<View> inputs = item.inputs.stream()
            .map(operand -> operand.layout().view(memory.slot(operand.value()), operand.dtype())).toList();
        List<View> outputs = item.outputs.stream().map(value ->
            View.contiguous(memory.slot(value), value.type.dtype(), value.type.shape())).toList();
        return item.loop != null ? item.loop.on(inputs, outputs) : new PlanStep.Kernel(item.op, inputs, outputs);
    }
}
