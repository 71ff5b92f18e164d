package org.adjoint.cuda.driver;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasHandle;
import jcuda.nvrtc.JNvrtc;
import org.adjoint.backend.DeviceUnavailableException;

/** A JVM of its own that loads CUDA's libraries and calls each through JCuda, for they are loaded for a process. */
final class LibrariesChild {
    private LibrariesChild() { }

    /**
     * Arguments: the root of the file system to search, or {@code load} for the public way, or {@code compiler} to load
     * NVRTC alone and then the rest from the folders that follow; folders to try next.
     */
    public static void main(String[] arguments) {
        List<String> next = List.of(arguments).subList(1, arguments.length);
        for (int attempt = 0; attempt <= next.size(); attempt++) {
            if (attempt > 0) {
                System.setProperty(Places.PROPERTY, next.get(attempt - 1));
            }
            try {
                if (arguments[0].equals("compiler") && attempt == 0) {
                    report(Libraries.loadCompiler());
                    continue;
                }
                Surroundings here = Surroundings.ofProcess();
                Libraries libraries = arguments[0].startsWith("/") ? Libraries.find(
                    new Surroundings(here.libraries(), here.environment(), here.jars(), Path.of(arguments[0])), null)
                    : Libraries.load();
                report(libraries);
            } catch (DeviceUnavailableException e) {
                System.out.println("unavailable: " + e.getMessage());
            }
        }
    }

    private static void report(Nvrtc nvrtc) {
        System.out.println("NVRTC " + nvrtc.version() + ": " + nvrtc.origin());
        System.out.println("nvrtcVersion gives " + nvrtcVersion());
    }

    private static String nvrtcVersion() {
        int[] major = new int[1];
        int[] minor = new int[1];
        JNvrtc.nvrtcVersion(major, minor);
        return major[0] + "." + minor[0];
    }

    private static void report(Libraries libraries) {
        String temporary = System.getProperty("java.io.tmpdir");
        libraries.details().forEach(System.out::println);
        System.out.println("CUDA " + libraries.cudaMajor());
        System.out.println("cuInit gives " + JCudaDriver.cuInit(0));
        System.out.println("nvrtcVersion gives " + nvrtcVersion());
        System.out.println("cublasCreate gives " + JCublas2.cublasCreate(new cublasHandle()));
        System.out.println("has cublasCreate_v2: " + libraries.find("cublasCreate_v2").isPresent()
            + ", nvrtcGetNVVMSize: " + libraries.find("nvrtcGetNVVMSize").isPresent());
        System.out.println("temporary folder " + temporary);
    }

    /** What a child prints on both of its streams, a line each. */
    static List<String> run(Map<String, String> environment, List<String> options, String... arguments) {
        return run(environment, options, List.of(), arguments);
    }

    /** As above, with more entries on the class path. */
    static List<String> run(Map<String, String> environment, List<String> options, List<Path> jars,
            String... arguments) {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        List<String> command = new ArrayList<>(List.of(java, "-cp", classPath(jars)));
        command.addAll(options);
        if (options.stream().noneMatch(option -> option.startsWith("--illegal-native-access"))) {
            command.add("--enable-native-access=ALL-UNNAMED");
        }
        command.add(LibrariesChild.class.getName());
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().clear();
        builder.environment().putAll(environment);
        try {
            Process process = builder.start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(5, TimeUnit.MINUTES) || process.exitValue() != 0) {
                throw new AssertionError(String.join(" ", command) + "\n" + output);
            }
            return output.lines().toList();
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Both the class path and what the test runner put on the module path. */
    static String classPath(List<Path> jars) {
        List<String> parts = new ArrayList<>();
        jars.forEach(jar -> parts.add(jar.toString()));
        for (String property : List.of("java.class.path", "jdk.module.path")) {
            String value = System.getProperty(property);
            if (value != null && !value.isEmpty()) {
                parts.add(value);
            }
        }
        String location = LibrariesChild.class.getProtectionDomain().getCodeSource().getLocation().getPath();
        parts.add(location);
        parts.add(location.replace("test-classes", "classes"));
        return String.join(File.pathSeparator, parts);
    }
}
