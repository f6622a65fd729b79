namespace OtlpTap.Pipeline;

/// <summary>The items of one request, for its edge to count once the answer is known.</summary>
/// <param name="Received">Spans, log records or data points in the request; 0 for one that could not be read.</param>
/// <param name="Rejected">Those that did not go on because they are invalid.</param>
internal readonly record struct ReceivedItems(int Received, int Rejected);
