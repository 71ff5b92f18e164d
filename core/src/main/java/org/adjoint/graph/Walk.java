package org.adjoint.graph;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/** The way from results down to what they are computed from. */
final class Walk {
    private Walk() { }

    /**
     * All nodes that {@code roots} depend on, and these, inputs before readers; what {@code ends} holds ends the
     * walk.
     */
    static List<Node> upTo(List<Node> roots, Predicate<Node> ends) {
        List<Node> order = new ArrayList<>();
        Set<Node> done = new HashSet<>();
        Deque<Node> stack = new ArrayDeque<>();
        for (Node root : roots) {
            stack.push(root);
            while (!stack.isEmpty()) {
                Node node = stack.peek();
                boolean ready = true;
                if (!done.contains(node) && !ends.test(node)) {
                    List<Node> inputs = node.inputs();
                    for (int i = inputs.size() - 1; i >= 0; i--) {
                        if (!done.contains(inputs.get(i))) {
                            stack.push(inputs.get(i));
                            ready = false;
                        }
                    }
                }
                if (ready) {
                    stack.pop();
                    if (done.add(node)) {
                        order.add(node);
                    }
                }
            }
        }
        return order;
    }
}
