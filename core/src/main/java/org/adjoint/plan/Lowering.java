package org.adjoint.plan;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.adjoint.graph.Node;
import org.adjoint.graph.Op;
import org.adjoint.graph.Ops;
import org.adjoint.graph.TensorType;

/** Turns the nodes of a program into terms that the target has kernels for. */
final class Lowering {
    private final Program program;
    private final Target target;
    private final Terms terms;
    private final Map<Node, List<Term>> meanings = new IdentityHashMap<>();

    Lowering(Program program, Target target) {
        this.program = program;
        this.target = target;
        this.terms = new Terms(target.rewrites(), program.constants().size());
    }

    /** Lowers everything; terms are born in the order in which their nodes were. */
    Terms run() {
        for (Node leaf : program.leaves()) {
            meanings.put(leaf, List.of(terms.leaf(leaf.type())));
        }
        for (Node node : program.constants()) {
            long bits = ((Op.Constant) node.op()).bits();
            meanings.put(node, List.of(terms.boundConstant(node.dtype(), bits, program.constantsKnown())));
        }
        List<Node> order = new ArrayList<>(program.order());
        // The program's order follows its results one by one. The order of birth keeps the gradients of a layer's
        // inputs and of its weights together, so that what both read need not be held for long.
        order.sort(Comparator.comparingLong(Node::id));
        lower(order, meanings);
        return terms;
    }

    /** The term of a node's only result. */
    Term term(Node node) {
        return meanings.get(node).getFirst();
    }

    private void lower(List<Node> order, Map<Node, List<Term>> known) {
        for (Node node : order) {
            if (!known.containsKey(node)) {
                known.put(node, lower(node, node.inputs().stream().map(known::get).toList()));
            }
        }
    }

    private List<Term> lower(Node node, List<List<Term>> inputs) {
        return switch (node.op()) {
            case Op.Leaf _ -> throw new IllegalStateException("a leaf that the program does not list");
            case Op.Constant constant -> List.of(terms.extraConstant(node.dtype(), constant.bits()));
            case Op.StopGradient _ -> inputs.getFirst();
            case Op.WithGradient with -> firsts(inputs).subList(0, with.values());
            case Op.Project project -> List.of(inputs.getFirst().get(project.index()));
            case Op.Fused fused -> fused(fused, node.types(), firsts(inputs));
            case Op.Scan scan -> projections(terms.several(scan, node.types(), firsts(inputs)));
            case Op.Iota _, Op.RandomBits _, Op.Unary _, Op.Binary _, Op.Where _, Op.Cast _, Op.Reduce _,
                Op.ArgReduce _, Op.ArgSort _, Op.Reshape _, Op.Permute _, Op.Expand _, Op.Slice _, Op.Windows _,
                Op.Pad _, Op.Concat _, Op.MatMul _, Op.Gather _, Op.Scatter _, Op.ScatterAdd _, Op.DynamicSlice _,
                Op.DynamicUpdateSlice _, Op.Barrier _ ->
                List.of(terms.of(node.op(), node.type(), firsts(inputs)));
        };
    }

    private static List<Term> firsts(List<List<Term>> inputs) {
        return inputs.stream().map(List::getFirst).toList();
    }

    private List<Term> fused(Op.Fused op, List<TensorType> types, List<Term> inputs) {
        if (!target.supports(op, inputs.stream().map(Term::type).toList())) {
            return decompose(op, inputs);
        }
        Term term = terms.several(op, types, inputs);
        return types.size() == 1 ? List.of(term) : projections(term);
    }

    private List<Term> projections(Term term) {
        List<Term> results = new ArrayList<>();
        for (int i = 0; i < term.types.size(); i++) {
            results.add(terms.of(new Op.Project(i), term.types.get(i), term));
        }
        return results;
    }

    /** Decomposes over stand-ins for the inputs, whose nodes may be long gone. */
    private List<Term> decompose(Op.Fused op, List<Term> inputs) {
        Map<Node, List<Term>> known = new IdentityHashMap<>();
        List<Node> standIns = new ArrayList<>();
        for (Term input : inputs) {
            Node standIn = Ops.leaf(input.type());
            standIns.add(standIn);
            known.put(standIn, List.of(input));
        }
        List<Node> results = List.of(op.decompose(standIns));
        lower(ancestors(results), known);
        return results.stream().map(result -> known.get(result).getFirst()).toList();
    }

    /** All nodes that {@code results} are computed from, and these, in order of birth. */
    private static List<Node> ancestors(List<Node> results) {
        Set<Node> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        Deque<Node> stack = new ArrayDeque<>(results);
        while (!stack.isEmpty()) {
            Node node = stack.pop();
            if (seen.add(node)) {
                node.inputs().forEach(stack::push);
            }
        }
        return seen.stream().sorted(Comparator.comparingLong(Node::id)).toList();
    }
}
