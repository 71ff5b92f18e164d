package org.adjoint.graph;

import static org.adjoint.graph.Ops.error;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The Einstein summation convention, in the notation of NumPy and PyTorch: {@code "bij,bjk->bik"}. A letter names an
 * axis of each operand; what the result does not name is summed. A letter that is named twice in one operand takes its
 * diagonal. {@code ...} stands for any leading, inner or trailing axes, which broadcast from the right. Without
 * {@code ->} the result has the axes of the ellipsis, then the letters that occur once, upper case first, in the order
 * of the alphabet.
 */
final class Einsum {
    /** Labels of axes are letters; those of an ellipsis lie above all of them, the last axis lowest. */
    private static final int ELLIPSIS = 1 << 16;
    private static final String DOTS = "...";

    private final String equation;
    private final List<Node> operands;
    private final Map<Integer, Long> extents = new HashMap<>();
    private int ellipsisAxes;

    private Einsum(String equation, List<Node> operands) {
        this.equation = equation;
        this.operands = operands;
    }

    static Node of(String equation, List<Node> operands) {
        return new Einsum(equation, operands).evaluate();
    }

    private IllegalArgumentException refuse(String format, Object... values) {
        return error("einsum \"%s\": %s", equation, String.format(format, values));
    }

    private Node evaluate() {
        String text = equation.replaceAll("\\s", "");
        int arrow = text.indexOf("->");
        String[] terms = (arrow < 0 ? text : text.substring(0, arrow)).split(",", -1);
        if (operands.isEmpty()) {
            throw refuse("there is no operand");
        }
        if (terms.length != operands.size()) {
            throw refuse("names %d operands but %d are given", terms.length, operands.size());
        }
        List<List<Integer>> labels = new ArrayList<>();
        for (int i = 0; i < terms.length; i++) {
            labels.add(labels(terms[i], operands.get(i).shape()));
        }
        for (int i = 0; i < terms.length; i++) {
            measure(operands.get(i), labels.get(i), i);
        }
        List<Integer> result = arrow < 0 ? implicit(labels) : explicit(text.substring(arrow + 2));
        List<Contraction> inputs = new ArrayList<>();
        for (int i = 0; i < terms.length; i++) {
            inputs.add(Contraction.of(operands.get(i), labels.get(i), extents));
        }
        return Contraction.contract(inputs, result);
    }

    private void requireLetters(String term) {
        String letters = term.replace(DOTS, "");
        for (int i = 0; i < letters.length(); i++) {
            char c = letters.charAt(i);
            if (!(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z')) {
                throw refuse("'%s' names no axis: letters, \"...\", ',' and \"->\" do", c);
            }
        }
        if (term.indexOf(DOTS) != term.lastIndexOf(DOTS)) {
            throw refuse("\"%s\" has more than one ellipsis", term);
        }
    }

    private List<Integer> labels(String term, Shape shape) {
        requireLetters(term);
        int dots = term.indexOf(DOTS);
        int letters = dots < 0 ? term.length() : term.length() - DOTS.length();
        int left = shape.rank() - letters;
        if (left < 0 || left > 0 && dots < 0) {
            throw refuse("\"%s\" names %d axes%s but its operand is %s", term, letters, dots < 0 ? "" : " or more",
                shape);
        }
        ellipsisAxes = dots < 0 ? ellipsisAxes : Math.max(ellipsisAxes, left);
        List<Integer> labels = new ArrayList<>();
        int at = 0;
        while (at < term.length()) {
            if (at == dots) {
                for (int back = left; back > 0; back--) {
                    labels.add(ELLIPSIS + back);
                }
                at += DOTS.length();
            } else {
                labels.add((int) term.charAt(at++));
            }
        }
        return labels;
    }

    private void measure(Node operand, List<Integer> labels, int position) {
        Map<Integer, Long> own = new HashMap<>();
        for (int axis = 0; axis < labels.size(); axis++) {
            int label = labels.get(axis);
            long extent = operand.shape().extent(axis);
            Long before = extents.putIfAbsent(label, extent);
            Long same = own.putIfAbsent(label, extent);
            if (same != null && same != extent) {
                throw refuse("'%s' names axes of %d and %d elements of operand %d, %s, which has no such diagonal",
                    name(label), same, extent, position, operand.shape());
            }
            if (before != null && before != extent) {
                if (before != 1 && extent != 1) {
                    throw refuse("'%s' has %d elements but %d in operand %d, %s", name(label), before, extent, position,
                        operand.shape());
                }
                extents.put(label, before == 1 ? extent : before);
            }
        }
    }

    private static String name(int label) {
        return label > ELLIPSIS ? DOTS : String.valueOf((char) label);
    }

    private List<Integer> ellipsis() {
        List<Integer> labels = new ArrayList<>();
        for (int back = ellipsisAxes; back > 0; back--) {
            labels.add(ELLIPSIS + back);
        }
        return labels;
    }

    private List<Integer> implicit(List<List<Integer>> labels) {
        Map<Integer, Integer> counts = new TreeMap<>();
        labels.forEach(list -> list.forEach(label -> counts.merge(label, 1, Integer::sum)));
        List<Integer> result = ellipsis();
        counts.forEach((label, count) -> {
            if (label < ELLIPSIS && count == 1) {
                result.add(label);
            }
        });
        return result;
    }

    private List<Integer> explicit(String term) {
        requireLetters(term);
        int dots = term.indexOf(DOTS);
        List<Integer> result = new ArrayList<>();
        int at = 0;
        while (at < term.length()) {
            if (at == dots) {
                result.addAll(ellipsis());
                at += DOTS.length();
                continue;
            }
            int label = term.charAt(at++);
            if (!extents.containsKey(label)) {
                throw refuse("the result names '%s', which no operand does", name(label));
            }
            if (result.contains(label)) {
                throw refuse("the result names '%s' twice", name(label));
            }
            result.add(label);
        }
        return result;
    }
}
