using OtlpTap.Otlp;

namespace OtlpTap.Forward;

/// <summary>
/// Requests waiting for a call, by metadata. Groups take turns, one call each, so that a busy tenant delays a quiet one
/// by one call and no more; within a group the order is that of arrival. Not for several threads at once.
/// </summary>
internal sealed class JoinQueue(int callBytesMax)
{
    /// <summary>A call's requests are answered one after the other; with tiny ones the byte cap alone would let many thousands in.</summary>
    public const int CallRequestsMax = 2048;

    private readonly Dictionary<RequestMetadata, LinkedListNode<MetadataGroup>> _groups = [];
    private readonly LinkedList<MetadataGroup> _turns = new();

    public bool IsEmpty => _turns.Count == 0;

    public void Add(ForwardRequest request)
    {
        if (!_groups.TryGetValue(request.Metadata, out var group))
        {
            group = _turns.AddLast(new MetadataGroup(request.Metadata));
            _groups.Add(request.Metadata, group);
        }

        group.Value.Append(request);
    }

    /// <summary>False when the request does not wait here: it is on its way, or was never added.</summary>
    public bool Remove(ForwardRequest request)
    {
        if (request.Group is not { } group)
        {
            return false;
        }

        group.Remove(request);
        if (group.First is null)
        {
            _turns.Remove(_groups[group.Metadata]);
            _groups.Remove(group.Metadata);
        }

        return true;
    }

    /// <summary>Moves the next call's requests to <paramref name="call"/>; none when nothing waits.</summary>
    public void Take(JoinedCall call)
    {
        if (_turns.First is not { } turn)
        {
            return;
        }

        var group = turn.Value;
        _turns.RemoveFirst();
        while (group.First is { } request && HasRoom(call, request))
        {
            group.Remove(request);
            call.Add(request);
        }

        if (group.First is null)
        {
            _groups.Remove(group.Metadata);
        }
        else
        {
            _turns.AddLast(turn);
        }
    }

    private bool HasRoom(JoinedCall call, ForwardRequest request) =>
        call.Count == 0 || (call.Count < CallRequestsMax && call.MessageLength + request.Payload.Length <= callBytesMax);
}
