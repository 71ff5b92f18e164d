package org.adjoint.bench.bundle;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.adjoint.backend.DeviceUnavailableException;
import org.adjoint.bench.Json;
import org.adjoint.bench.suite.MachineInfo;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code adjoint bundle}: a folder that verifies a card on a machine without Java, Maven or a network. */
@Command(
        name = "bundle",
        description = {
            "Makes a folder with a Java runtime, this program and kernels compiled beforehand. On a machine with a "
                + "card, which needs nothing else but CUDA's libraries, FOLDER/verify.sh verifies and times it.",
            "Kernels are compiled by NVRTC, which needs no card. It is found where a CUDA toolkit is installed, in the "
                + "active Python environment (pip install nvidia-cuda-nvrtc-cu12), or in the folders that "
                + "ADJOINT_CUDA_LIBRARIES names; libnvrtc.so.12 and libnvrtc-builtins.so.12.* are enough. Any of 12 or "
                + "13 serves, whatever the other machine has."},
        mixinStandardHelpOptions = true,
        sortOptions = false,
        footerHeading = "%nExamples:%n",
        footer = {
            "  adjoint bundle out",
            "  ADJOINT_CUDA_LIBRARIES=/opt/nvrtc adjoint bundle out",
            "  adjoint bundle out --architecture 80 --architecture 90"
        })
public final class BundleCommand implements Callable<Integer> {
    /** What makes a folder a bundle, which may be made anew. */
    private static final String MARKER = "bundle.json";
    private static final String CUBINS = "cubins.xz";
    private static final List<String> SCRIPTS = List.of("verify.sh", "adjoint", "verify_pytorch.py");

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "FOLDER", description = "What to make; it must be empty, missing, or a former bundle.")
    private Path folder;

    @Option(names = "--architecture", paramLabel = "N", defaultValue = "90",
            description = "Compute capability times 10 of the cards to compile kernels for; 90 by default.")
    private List<Integer> architectures;

    @Option(names = "--no-kernels",
            description = "Compile no kernels: they are compiled there, when they are first used.")
    private boolean withoutKernels;

    @Override
    public Integer call() throws IOException, InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        clear();
        Files.createDirectories(folder);
        String commit = MachineInfo.of(1).commit();
        Map<String, Object> marker = new LinkedHashMap<>();
        marker.put("commit", commit);
        Json.write(folder.resolve(MARKER), marker);
        Jars.copy(folder.resolve("jars"));
        JavaRuntime.link(folder.resolve("java"));
        for (String script : SCRIPTS) {
            copyScript(script, commit);
        }
        if (!withoutKernels) {
            try {
                Cubins.compile(architectures, folder.resolve(CUBINS), spec.commandLine().getErr());
            } catch (DeviceUnavailableException e) {
                throw new IOException("kernels can't be compiled beforehand: " + e.getMessage()
                    + "\nor leave them out with --no-kernels: they are compiled there, when they are first used", e);
            }
        }
        out.printf(Locale.ROOT, "%s: %.1f MB (%s), commit %s%n", folder, bytes(folder) / 1e6, parts(), commit);
        out.flush();
        return 0;
    }

    private void clear() throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        if (Files.exists(folder.resolve(MARKER))) {
            try (Stream<Path> files = Files.walk(folder)) {
                for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
                    Files.delete(file);
                }
            }
            return;
        }
        try (Stream<Path> files = Files.list(folder)) {
            if (files.findAny().isPresent()) {
                throw new IOException("the folder '" + folder
                    + "' holds other things than a bundle: name an empty one");
            }
        }
    }

    private void copyScript(String name, String commit) throws IOException {
        try (InputStream stream = BundleCommand.class.getResourceAsStream(name)) {
            String text = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
            Path file = folder.resolve(name);
            Files.writeString(file, text.replace("@commit@", commit));
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
    }

    private String parts() throws IOException {
        List<String> parts = new ArrayList<>();
        for (String part : List.of("java", "jars", CUBINS)) {
            if (Files.exists(folder.resolve(part))) {
                parts.add(String.format(Locale.ROOT, "%s %.1f", part, bytes(folder.resolve(part)) / 1e6));
            }
        }
        return String.join(", ", parts);
    }

    private static long bytes(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            long bytes = 0;
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                bytes += Files.size(file);
            }
            return bytes;
        }
    }
}
