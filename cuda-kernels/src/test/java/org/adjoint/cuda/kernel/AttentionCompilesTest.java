package org.adjoint.cuda.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.adjoint.cuda.launch.Card;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Source;
import org.adjoint.cuda.launch.Work;
import org.adjoint.graph.DType;
import org.adjoint.graph.FusedOp;
import org.adjoint.graph.Shape;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The kernels that hold the most in registers compile for real cards, without warnings and without spills. */
class AttentionCompilesTest {
    private static final Pattern SPILL = Pattern.compile("[1-9][0-9]* bytes spill");

    @TempDir
    private Path folder;

    @BeforeAll
    static void find() throws InterruptedException {
        try {
            new ProcessBuilder("nvcc", "--version").redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor();
        } catch (IOException e) {
            Assumptions.abort("SKIPPED: nvcc is not installed");
        }
    }

    @ParameterizedTest
    @CsvSource({"75, F32, 64", "75, BF16, 64", "80, F32, 64", "80, BF16, 64", "80, F16, 128", "90, F32, 128",
        "90, BF16, 64", "90, BF16, 128", "100, F32, 64", "100, BF16, 64", "100, BF16, 128"})
    void withoutSpills(int architecture, DType dtype, int head) throws IOException, InterruptedException {
        View rows = View.contiguous(0, dtype, Shape.of(2, 256, head));
        View statistics = View.contiguous(1, DType.F32, Shape.of(2, 256));
        List<View> inputs = List.of(rows, rows, rows, rows, statistics, rows);
        PlanStep.Kernel step = new PlanStep.Kernel(new FusedOp.Attention(1, true, false), inputs.subList(0, 3),
            List.of(rows, statistics));
        Card card = new Card(architecture, 99 << 10);
        Launch launch = (Launch) AttentionKernel.prepare(step, new FusedOp.Attention(1, true, false), card).work()
            .getFirst();
        assertEquals(architecture >= 80 && dtype.isHalf() ? "attention_mma.cu" : "attention.cu",
            launch.source().name());
        FusedOp.AttentionGradient gradient = new FusedOp.AttentionGradient(1, true, false);
        for (Work work : AttentionGradientKernel.prepare(
            new PlanStep.Kernel(gradient, inputs, List.of(rows, rows, rows)), gradient, card).work()) {
            assertEquals(launch.source(), ((Launch) work).source());
        }
        String output = compile(launch.source(), architecture);
        assertTrue(output.contains("Compiling entry function"), output);
        assertEquals(List.of(),
            output.lines().filter(line -> line.contains("warning") || SPILL.matcher(line).find()).toList());
    }

    private String compile(Source source, int architecture) throws IOException, InterruptedException {
        for (String header : source.headers()) {
            Files.writeString(folder.resolve(header), Source.text(header));
        }
        Files.writeString(folder.resolve(source.name()), source.text());
        List<String> command = new ArrayList<>(List.of("nvcc", "--fmad=false", "-std=c++17", "-cubin",
            "-arch=sm_" + architecture, "-Xptxas", "-v,-warn-spills", "-o", "out.cubin"));
        command.addAll(source.options());
        command.add(source.name());
        Process process = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        return output;
    }
}
