package org.adjoint.backend;

import java.util.List;

/**
 * What is known of a device before it is opened.
 *
 * @param name {@code "cpu"}, {@code "cuda:1"}
 * @param usable whether opening it would work
 * @param summary one line: what it is, or why it can't be used
 * @param details further lines: versions, where libraries were found, what was tried, the remedy
 */
public record DeviceReport(String name, boolean usable, String summary, List<String> details) { }
