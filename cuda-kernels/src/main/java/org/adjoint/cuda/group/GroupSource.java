package org.adjoint.cuda.group;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.adjoint.cuda.group.Form.Skeleton;
import org.adjoint.cuda.launch.Source;
import org.adjoint.graph.DType;
import org.adjoint.graph.ReduceOp;
import org.adjoint.plan.Group;
import org.adjoint.plan.Instruction;

/**
 * Writes a group as CUDA C: the device functions of its ops, one after the other, inside a loop of {@link Skeletons}.
 * Inputs are {@code x0, x1 ...}, scalars {@code s0 ...}, results {@code y0 ...}, lines {@code v0 ...}.
 */
final class GroupSource {
    static final int THREADS = 256;
    private static final int TITLE_OPS = 4;
    /** Lines of a group. */
    private static final int LITTLE_WORK = 8;

    private final Group group;
    private final Form form;
    private final int inputs;

    private GroupSource(Group group, Form form) {
        this.group = group;
        this.form = form;
        inputs = group.inputs().size();
    }

    /** A program and its kernel; pieces are folded by the kernel with the suffix {@code _finish}. */
    record Program(Source source, String kernel) {
        /** @param text with a hole, {@code $KERNEL}, for the kernel's name */
        static Program of(Group group, String text) {
            String kernel = "group_" + title(group) + "_" + hash(text);
            return new Program(new Source(kernel + ".cu", text.replace("$KERNEL", kernel), Map.of()), kernel);
        }
    }

    static Program of(Group group, Form form) {
        return Program.of(group, new GroupSource(group, form).text());
    }

    /** Its first ops, for whoever looks at a profile. */
    private static String title(Group group) {
        String ops = group.body().stream().flatMap(line -> switch (line) {
            case Instruction.Load load -> Stream.<String>empty();
            case Instruction.Scalar scalar -> Stream.<String>empty();
            case Instruction.Unary unary -> Stream.of(unary.op().name());
            case Instruction.Binary binary -> Stream.of(binary.op().name());
            case Instruction.Where where -> Stream.of("where");
            case Instruction.Cast cast -> Stream.of("to_" + cast.target().text());
        }).distinct().limit(TITLE_OPS).collect(Collectors.joining("_"));
        String folds = group.results().stream().filter(result -> result.reduce() != null)
            .map(result -> "_" + result.reduce().text()).distinct().collect(Collectors.joining());
        return (ops.isEmpty() ? "copy" : ops.toLowerCase(Locale.ROOT)) + folds;
    }

    private static String hash(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    private String text() {
        String loops = switch (form.skeleton()) {
            case POINTS -> Skeletons.POINTS;
            case TENSORS -> Skeletons.TENSORS;
            case ROWS -> Skeletons.ROWS + (form.partial() ? "\n" + Skeletons.ROWS_FINISH : "");
            case COLUMNS -> Skeletons.COLUMNS + (form.partial() ? "\n" + Skeletons.COLUMNS_FINISH : "");
        };
        String[] kernels = loops.split("(?<=\n)\n");
        for (int i = 0; i < kernels.length; i++) {
            kernels[i] = filled(kernels[i], i == 0 ? form.width() : 1, i == 0 && form.partial());
        }
        return "#include \"group.cuh\"\n\ntypedef " + (form.wide() ? "i64" : "i32") + " Index;\n\n"
            + PointFunction.text(group) + "\n" + (hasUsual() ? PointFunction.usual(group) + "\n" : "")
            + String.join("\n", kernels);
    }

    /**
     * @param width columns of a thread
     * @param toWorkspace whether the kernel's folds are parts of results
     */
    private String filled(String skeleton, int width, boolean toWorkspace) {
        String text = block(skeleton, "$POINTS", points());
        text = block(text, "$FIELDS", fields());
        text = block(text, "$LOCALS", tensor());
        text = block(text, "$RANDOM", form.random().isEmpty() ? List.of()
            : List.of("const Generator random = *x" + form.random().getFirst() + ";"));
        text = block(text, "$UNROLLED", unrolled());
        text = block(text, "$ACCUMULATORS", accumulators(width));
        text = block(text, "$FOLDS", folds());
        text = block(text, "$PARTS", parts());
        text = block(text, "$RESULTS", isColumnwise() ? columnResults(width, toWorkspace) : rowResults(toWorkspace));
        return text.replace("$OPERANDS", String.join(", ", operands()))
            .replace("$RESULT_OPERANDS", String.join(", ", resultOperands()))
            .replace("$KEPT", "" + form.keptRank()).replace("$REDUCED", "" + form.reducedRank())
            .replace("$WALKS", "" + form.walks()).replace("$WIDTH", "" + form.width())
            .replace("$THREADS", "" + THREADS).replace("$MOST", "" + Batch.mostTensors(group));
    }

    /** Puts lines in the place of a line that is a hole, as far to the right as that. */
    private static String block(String text, String hole, List<String> lines) {
        int at = text.indexOf(hole);
        if (at < 0) {
            return text;
        }
        int start = text.lastIndexOf('\n', at) + 1;
        String indent = text.substring(start, at);
        String block = lines.stream().map(line -> (line.startsWith("#") ? line : indent + line) + "\n")
            .collect(Collectors.joining());
        return text.substring(0, start) + block + text.substring(text.indexOf('\n', at) + 1);
    }

    // Operands

    private static String fold(ReduceOp op) {
        return switch (op) {
            case SUM -> "FoldSum";
            case MAX -> "FoldMax";
            case MIN -> "FoldMin";
            case PROD -> "FoldProd";
        };
    }

    private List<String> operands() {
        List<String> operands = new ArrayList<>();
        for (int i = 0; i < inputs; i++) {
            operands.add(form.random().contains(i) ? "const Generator* x" + i + ", i64 start" + i
                : "const " + PointFunction.stored(group.inputs().get(i)) + "* x" + i);
        }
        for (int i = 0; i < group.results().size(); i++) {
            Group.Result result = group.results().get(i);
            operands.add(result.reduce() != null && form.partial() ? PointFunction.folded(result) + "* part" + i
                : PointFunction.stored(result.dtype()) + "* y" + i);
        }
        for (int i = 0; i < group.scalars().size(); i++) {
            operands.add(PointFunction.stored(group.scalars().get(i)) + " s" + i);
        }
        return operands;
    }

    /** The columns of a table of tensors. */
    private List<String> fields() {
        return operands().stream().map(operand -> operand + "[TENSORS];").toList();
    }

    /** The operands of tensor {@code t} from point {@code begin} on, and whether packs of them can be accessed. */
    private List<String> tensor() {
        List<String> lines = new ArrayList<>();
        StringJoiner aligned = new StringJoiner(" && ", "const bool aligned = ", ";");
        List<String> operands = operands();
        for (int i = 0; i < operands.size(); i++) {
            String name = operands.get(i).substring(operands.get(i).lastIndexOf(' ') + 1);
            boolean packed = i < form.packed().size() && form.packed().get(i);
            lines.add(operands.get(i) + " = tensors." + name + "[t]" + (packed ? " + begin" : "") + ";");
            if (packed) {
                aligned.add("is_aligned<" + form.width() + ">(" + name + ")");
            }
        }
        lines.add(aligned.toString());
        return lines;
    }

    private List<String> resultOperands() {
        return reductions().flatMap(i -> {
            Group.Result result = group.results().get(i);
            return Stream.of("const " + PointFunction.folded(result) + "* part" + i,
                PointFunction.stored(result.dtype()) + "* y" + i);
        }).toList();
    }

    private Stream<Integer> reductions() {
        return Stream.iterate(0, i -> i < group.results().size(), i -> i + 1)
            .filter(i -> group.results().get(i).reduce() != null);
    }

    // The points of a thread

    private List<String> points() {
        List<String> lines = new ArrayList<>();
        if (form.width() == 1) {
            single(lines, "", "");
            return lines;
        }
        if (isColumnwise()) {
            packs(lines, "");
            return lines;
        }
        boolean tensors = form.skeleton() == Skeleton.TENSORS;
        lines.add("if (" + (tensors ? "aligned && " : "") + "first + " + form.width() + " <= limit) {");
        packs(lines, "    ");
        lines.add("} else {");
        lines.add("    for (Index i = 0; " + (tensors ? "i < " + form.width() + " && " : "")
            + "i < limit - first; i++) {");
        single(lines, "        ", " + i");
        lines.add("    }");
        lines.add("}");
        return lines;
    }

    /** The points of several turns of a fold: all are loaded before any is stored, so that the loads wait together. */
    private List<String> unrolled() {
        int turns = turns();
        if (turns == 1) {
            return List.of();
        }
        List<String> lines = new ArrayList<>();
        int reach = isColumnwise() ? 1 : form.width();
        lines.add("for (; first + " + (turns - 1) + " * step + " + reach + " <= limit; first += " + turns
            + " * step) {");
        lines.add("    Index at[" + turns + "][" + form.walks() + "];");
        for (int i = 0; i < inputs; i++) {
            lines.add("    " + loaded(i) + " p" + i + "[" + turns + "];");
        }
        String turn = "[turn]";
        lines.add("#pragma unroll");
        lines.add("    for (int turn = 0; turn < " + turns + "; turn++) {");
        lines.add("        reduced.locate(base, first + turn * step, at[turn]);");
        for (int i = 0; i < inputs; i++) {
            lines.add("        p" + i + turn + " = " + load(i, turn) + ";");
        }
        lines.add("    }");
        lines.add("#pragma unroll");
        lines.add("    for (int turn = 0; turn < " + turns + "; turn++) {");
        compute(lines, "        ", turn);
        lines.add("    }");
        lines.add("}");
        return lines;
    }

    /** 4 or 2 where little is computed. */
    private int turns() {
        int work = PointFunction.work(group);
        return work <= LITTLE_WORK / 2 ? 4 : work <= LITTLE_WORK ? 2 : 1;
    }

    private void single(List<String> lines, String indent, String step) {
        StringJoiner arguments = new StringJoiner(", ");
        for (int i = 0; i < inputs; i++) {
            String place = step.isEmpty() || form.packed().get(i) ? step
                : form.spread().get(i) ? step + " * " + innermostStride(i) : "";
            arguments.add(form.random().contains(i)
                ? "(i32) random.element(start" + i + " + " + offset(i, "at") + place + ")"
                : element("x" + i, i, "", place));
        }
        scalars(arguments);
        for (int i = 0; i < group.results().size(); i++) {
            boolean reduced = group.results().get(i).reduce() != null;
            int operand = inputs + i;
            arguments.add(reduced ? "r" + i : element("y" + i, operand, "", form.packed().get(operand) ? step : ""));
        }
        call(lines, indent, "point(" + arguments + ");");
    }

    private void packs(List<String> lines, String indent) {
        for (int i = 0; i < inputs; i++) {
            lines.add(indent + loaded(i) + " p" + i + " = " + load(i, "") + ";");
        }
        compute(lines, indent, "");
    }

    /** The type of what a thread loads of an input at once. */
    private String loaded(int input) {
        String type = PointFunction.stored(group.inputs().get(input));
        String pack = (form.packed().get(input) ? "Loaded<" : "Pack<") + type + ", " + form.width() + ">";
        return isPack(input) ? pack : type;
    }

    private String load(int input, String turn) {
        if (form.random().contains(input)) {
            return "random_pack<" + form.width() + ">(random, start" + input + " + " + offset(input, "at" + turn) + ")";
        }
        if (!isPack(input)) {
            return element("x" + input, input, turn, "");
        }
        String address = address("x" + input, input, turn);
        return form.packed().get(input) ? "load_pack<" + form.width() + ">(" + address + ")"
            : "load_spread<" + form.width() + ">(" + address + ", " + innermostStride(input) + ")";
    }

    private boolean isPack(int input) {
        return form.packed().get(input) || form.spread().get(input);
    }

    private String innermostStride(int operand) {
        return "(Index) domain.strides[" + form.walkOf().get(operand) + "][" + (form.keptRank() - 1) + "]";
    }

    /** The points of what is loaded, in {@code p0 ...}, each with an index {@code turn} where there are several. */
    private void compute(List<String> lines, String indent, String turn) {
        boolean many = form.width() > 1;
        StringJoiner arguments = new StringJoiner(", ");
        for (int i = 0; i < inputs; i++) {
            arguments.add("p" + i + turn + (form.packed().get(i) ? "[k]" : form.spread().get(i) ? ".values[k]" : ""));
        }
        scalars(arguments);
        List<String> stores = new ArrayList<>();
        for (int i = 0; i < group.results().size(); i++) {
            Group.Result result = group.results().get(i);
            if (result.reduce() != null) {
                arguments.add("r" + i);
            } else if (many) {
                lines.add(indent + "Pack<" + PointFunction.stored(result.dtype()) + ", " + form.width() + "> q" + i
                    + ";");
                arguments.add("q" + i + ".values[k]");
                stores.add("store_pack(" + address("y" + i, inputs + i, turn) + ", q" + i + ");");
            } else {
                arguments.add(element("y" + i, inputs + i, turn, ""));
            }
        }
        if (hasUsual()) {
            lines.add(indent + "bool usual = true;");
            pack(lines, indent, "usual_point(" + arguments + ", usual);", List.of());
            lines.add(indent + "if (usual) {");
            stores.forEach(store -> lines.add(indent + "    " + store));
            lines.add(indent + "} else {");
            pack(lines, indent + "    ", "point(" + arguments + ");", stores);
            lines.add(indent + "}");
        } else if (many) {
            pack(lines, indent, "point(" + arguments + ");", stores);
        } else {
            call(lines, indent, "point(" + arguments + ");");
        }
    }

    /** Whether points are computed as usual ones first, and again where one of a pack is not. */
    private boolean hasUsual() {
        return form.width() > 1 && PointFunction.hasUsual(group);
    }

    private void pack(List<String> lines, String indent, String call, List<String> stores) {
        lines.add("#pragma unroll");
        lines.add(indent + "for (int k = 0; k < " + form.width() + "; k++) {");
        call(lines, indent + "    ", call);
        lines.add(indent + "}");
        stores.forEach(store -> lines.add(indent + store));
    }

    private void scalars(StringJoiner arguments) {
        for (int i = 0; i < group.scalars().size(); i++) {
            arguments.add("s" + i);
        }
    }

    private void call(List<String> lines, String indent, String call) {
        reductions().forEach(i -> lines.add(indent + PointFunction.folded(group.results().get(i)) + " r" + i + ";"));
        lines.add(indent + call);
        String place = form.width() > 1 ? "k" : "0";
        reductions().forEach(i -> lines.add(indent + accumulate(i, place, "r" + i)));
    }

    private String element(String pointer, int operand, String turn, String step) {
        return pointer + "[" + offset(operand, "at" + turn) + step + "]";
    }

    private String address(String pointer, int operand, String turn) {
        return pointer + " + " + offset(operand, "at" + turn);
    }

    private String offset(int operand, String offsets) {
        int walk = form.walkOf().get(operand);
        return walk == Loops.UNIFORM ? "0" : offsets + "[" + walk + "]";
    }

    // Folds

    private boolean isColumnwise() {
        return form.skeleton() == Skeleton.COLUMNS;
    }

    /** Each fold so far, {@code a0 ...}: of columns one per column of the thread. */
    private List<String> accumulators(int width) {
        List<String> lines = new ArrayList<>();
        reductions().forEach(i -> {
            String type = PointFunction.folded(group.results().get(i));
            String fold = fold(group.results().get(i).reduce());
            if (isColumnwise()) {
                lines.add(type + " a" + i + "[" + width + "];");
                lines.add("start_folds<" + fold + ">(a" + i + ");");
            } else {
                lines.add(type + " a" + i + " = " + fold + "::identity<" + type + ">();");
            }
        });
        return lines;
    }

    private String accumulate(int i, String place, String value) {
        String accumulator = "a" + i + (isColumnwise() ? "[" + place + "]" : "");
        return accumulator + " = " + fold(group.results().get(i).reduce()) + "::fold(" + accumulator + ", " + value
            + ");";
    }

    /** Without a branch, so that loads of several turns wait together. */
    private List<String> parts() {
        return reductions().map(i -> {
            Group.Result result = group.results().get(i);
            return accumulate(i, "0", "piece < count ? part" + i + "[part] : " + fold(result.reduce()) + "::identity<"
                + PointFunction.folded(result) + ">()");
        }).toList();
    }

    private List<String> folds() {
        return reductions().map(i -> {
            String fold = fold(group.results().get(i).reduce());
            return isColumnwise() ? "depth_fold<" + fold + ">(a" + i + ");"
                : "a" + i + " = team_fold<" + fold + ">(a" + i + ");";
        }).toList();
    }

    private List<String> rowResults(boolean toWorkspace) {
        return reductions().map(i -> toWorkspace ? "part" + i + "[task] = a" + i + ";"
            : "y" + i + "[" + offset(inputs + i, "base") + "] = " + rounded(i, "a" + i) + ";").toList();
    }

    private List<String> columnResults(int width, boolean toWorkspace) {
        List<String> lines = new ArrayList<>();
        reductions().forEach(i -> {
            Group.Result result = group.results().get(i);
            String type = toWorkspace ? PointFunction.folded(result) : PointFunction.stored(result.dtype());
            lines.add("Pack<" + type + ", " + width + "> q" + i + ";");
            lines.add("for (int k = 0; k < " + width + "; k++) {");
            String fold = "a" + i + "[k]";
            lines.add("    q" + i + ".values[k] = " + (toWorkspace ? fold : rounded(i, fold)) + ";");
            lines.add("}");
            lines.add("store_pack(" + (toWorkspace ? "part" + i + " + blockIdx.y * columns + column"
                : "y" + i + " + " + offset(inputs + i, "base")) + ", q" + i + ");");
        });
        return lines;
    }

    /** A fold as it is stored. */
    private String rounded(int i, String fold) {
        DType dtype = group.results().get(i).dtype();
        String value = dtype.bytes() == 1 ? "op::to_" + dtype.text() + "(" + fold + ")" : fold;
        return "op::store<" + PointFunction.stored(dtype) + ">(" + value + ")";
    }
}
