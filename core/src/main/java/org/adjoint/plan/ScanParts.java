package org.adjoint.plan;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.adjoint.graph.Body;
import org.adjoint.graph.Node;
import org.adjoint.graph.Op;

/** What of a scan has to be computed, given which of its results are read. */
final class ScanParts {
    final Op.Scan scan;
    /** Results that are read. */
    private final Set<Integer> wanted;
    /** The carries without which these can't be computed. */
    private final Set<Integer> carries = new HashSet<>();
    private Set<Node> reached;

    ScanParts(Op.Scan scan, Set<Integer> wanted) {
        this.scan = scan;
        this.wanted = wanted;
        List<Node> results = scan.body().results();
        for (int i = 0; i < scan.carries(); i++) {
            if (wanted.contains(i)) {
                carries.add(i);
            }
        }
        int before;
        do {
            before = carries.size();
            List<Node> roots = new ArrayList<>();
            for (int i = 0; i < results.size(); i++) {
                if (i < scan.carries() ? carries.contains(i) : wanted.contains(i)) {
                    roots.add(results.get(i));
                }
            }
            reached = ancestors(roots);
            for (int i = 0; i < scan.carries(); i++) {
                if (reached.contains(scan.body().leaves().get(i))) {
                    carries.add(i);
                }
            }
        } while (carries.size() > before);
    }

    private static Set<Node> ancestors(List<Node> roots) {
        Set<Node> seen = new HashSet<>();
        Deque<Node> stack = new ArrayDeque<>(roots);
        while (!stack.isEmpty()) {
            Node node = stack.pop();
            if (seen.add(node)) {
                stack.addAll(node.inputs());
            }
        }
        return seen;
    }

    Body body() {
        return scan.body();
    }

    boolean isWanted(int result) {
        return wanted.contains(result);
    }

    boolean computesCarry(int carry) {
        return carries.contains(carry);
    }

    /** Whether the loop reads input {@code position}. */
    boolean reads(int position) {
        return position < scan.carries() ? carries.contains(position)
            : reached.contains(scan.body().leaves().get(position));
    }
}
