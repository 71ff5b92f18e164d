package org.adjoint;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.adjoint.graph.Node;
import org.adjoint.graph.Op;

/** Forgets how values were computed where nobody can differentiate through it any more. */
final class History {
    private History() { }

    /**
     * Turns computed nodes at or before {@code node} into leaves where no open handle names anything before them, and
     * no variable was read there: a gradient can only be asked for what has a name. None passes {@code stopGradient}.
     */
    static void trim(Node node) {
        Map<Node, Boolean> named = new IdentityHashMap<>();
        List<Node> forgettable = new ArrayList<>();
        Deque<Node> stack = new ArrayDeque<>();
        stack.push(node);
        while (!stack.isEmpty()) {
            Node next = stack.peek();
            if (named.containsKey(next)) {
                stack.pop();
                continue;
            }
            boolean ready = true;
            for (Node input : next.inputs()) {
                if (!named.containsKey(input)) {
                    stack.push(input);
                    ready = false;
                }
            }
            if (!ready) {
                continue;
            }
            stack.pop();
            boolean before = false;
            for (Node input : next.inputs()) {
                before |= named.get(input) && !(next.op() instanceof Op.StopGradient);
            }
            if (!before && next.value() != null && !next.inputs().isEmpty()) {
                forgettable.add(next);
            }
            named.put(next, before || Uses.isSource(next));
        }
        forgettable.forEach(Node::forgetHistory);
    }
}
