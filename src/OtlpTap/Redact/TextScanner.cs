namespace OtlpTap.Redact;

/// <summary>
/// Finds what is personal or secret in a text, in one pass over its UTF-8. Every look around a place is bounded or
/// consumes what it looked at, so that time is linear in the text, whatever it holds.
/// </summary>
internal ref struct TextScanner
{
    private readonly ReadOnlySpan<byte> _text;
    private readonly List<Finding> _findings;
    private readonly bool _isPhone;

    private int _end;        // of the last finding
    private int _randomSeen; // up to here runs of characters were judged for their randomness
    private int _jwtSeen;
    private int _encodedSeen; // up to here they were for what is encoded
    private int _contentEnd; // of the run of characters that was looked at last
    private int _runEnd;     // the same with the equals signs that fill it up
    private int _escapeEnd;  // of the last escape: what follows it begins anew, \nsecret as a line of its own

    private TextScanner(ReadOnlySpan<byte> text, bool isPhone, List<Finding> findings)
    {
        _text = text;
        _findings = findings;
        _isPhone = isPhone;
    }

    /// <param name="isPhone">What the text belongs to says that it is a telephone's number.</param>
    /// <param name="findings">Gets what was found, in order, none overlapping another.</param>
    public static void Find(ReadOnlySpan<byte> text, bool isPhone, List<Finding> findings)
    {
        var scanner = new TextScanner(text, isPhone, findings);
        scanner.Run();
    }

    private void Run()
    {
        var i = 0;
        while (i < _text.Length)
        {
            var c = _text[i];
            if (IsWord(c))
            {
                var isStart = i == 0 || i == _escapeEnd || !IsWord(_text[i - 1]);
                var next = isStart ? AtWord(i) : 0;
                if (next == 0)
                {
                    next = i + 1;
                    while (next < _text.Length && IsWord(_text[next]))
                    {
                        next++;
                    }
                }

                i = next;
                continue;
            }

            i = c switch
            {
                (byte)'@' => AtEmail(i),
                (byte)'-' => AtPem(i),
                (byte)'+' or (byte)'(' => AtPhone(i),
                (byte)':' => AtUrl(i),
                (byte)'\\' or (byte)'%' => AtEscape(i),
                _ => i + 1,
            };
        }
    }

    // \n and \u0022 of JSON that was cut off or is nested too deep, %3D of a URL.
    private int AtEscape(int i)
    {
        var length = _text[i] == '%' ? 3 : i + 1 < _text.Length && _text[i + 1] == 'u' ? 6 : 2;
        if (i + length > _text.Length)
        {
            return i + 1;
        }

        var code = _text[i] == '%' ? _text.Slice(i + 1, 2) : length == 6 ? _text.Slice(i + 2, 4) : default;
        if (length == 2 ? _text[i + 1] is not ((byte)'n' or (byte)'r' or (byte)'t' or (byte)'b' or (byte)'f') : !IsHex(code))
        {
            return i + 1;
        }

        _escapeEnd = i + length;
        return _escapeEnd;
    }

    /// <summary>Where to go on; 0: nothing begins here.</summary>
    private int AtWord(int i)
    {
        if (IsUuid(i))
        {
            return i + 36;
        }

        if (_text[i] == 'e' && AtJwt(i) is > 0 and var jwt)
        {
            return jwt;
        }

        if (AtEncoded(i) is > 0 and var data)
        {
            return data;
        }

        if (ShapedKeys.LengthIn(_text[i..]) is > 0 and var shapedLength)
        {
            return Found(i, i + shapedLength, Sensitive.ApiKey);
        }

        if (KnownKey.LengthIn(_text[i..]) is > 0 and var keyLength)
        {
            return Found(i, i + keyLength, Sensitive.ApiKey);
        }

        if (AtIban(i) is > 0 and var iban)
        {
            return iban;
        }

        if (char.IsAsciiDigit((char)_text[i]))
        {
            if (AtCard(i) is > 0 and var card)
            {
                return card;
            }

            if (AtPhone(i) is var phone && phone > i + 1)
            {
                return phone;
            }
        }

        var random = AtRandom(i);
        return random > 0 ? random : AtWordOfSecrets(i);
    }

    // local@domain.tld
    private int AtEmail(int at)
    {
        const int LocalMax = 64;
        const int DomainMax = 253;
        var start = at;
        while (start > _end && at - start < LocalMax && (IsWord(_text[start - 1]) || _text[start - 1] is (byte)'.' or (byte)'_' or (byte)'-' or (byte)'+' or (byte)'%' or (byte)'\'' or >= 0x80))
        {
            start--;
        }

        while (start < at && _text[start] is (byte)'.' or (byte)'-' or (byte)'\'' or (byte)'+')
        {
            start++;
        }

        var end = at + 1;
        var lastDot = -1;
        while (end < _text.Length && end - at <= DomainMax && (IsWord(_text[end]) || _text[end] is (byte)'.' or (byte)'-' or >= 0x80))
        {
            lastDot = _text[end] == '.' && end > at + 1 && end + 2 < _text.Length && IsLetter(_text[end + 1]) && IsLetter(_text[end + 2]) ? end : lastDot;
            end++;
        }

        // The text may go on behind a full stop: the last label with a letter behind its dot is the top.
        if (start == at || lastDot < 0)
        {
            return at + 1;
        }

        end = lastDot + 1;
        while (end < _text.Length && (IsLetter(_text[end]) || _text[end] >= 0x80))
        {
            end++;
        }

        return IsPictureEnding(_text[(lastDot + 1)..end]) ? at + 1 : Found(start, end, Sensitive.Email);
    }

    // icon@2x.png
    private static bool IsPictureEnding(ReadOnlySpan<byte> top) =>
        top.SequenceEqual("png"u8) || top.SequenceEqual("jpg"u8) || top.SequenceEqual("jpeg"u8) || top.SequenceEqual("gif"u8) || top.SequenceEqual("svg"u8) || top.SequenceEqual("webp"u8);

    // -----BEGIN [...] PRIVATE KEY----- up to its end, or to the text's
    private int AtPem(int i)
    {
        const int LabelMax = 64;
        if (!_text[i..].StartsWith("-----BEGIN "u8))
        {
            return i + 1;
        }

        var label = _text.Slice(i + 11, Math.Min(LabelMax, _text.Length - i - 11));
        var key = label.IndexOf("PRIVATE KEY"u8);
        var labelEnd = label.IndexOf("-----"u8);
        if (key < 0 || (labelEnd >= 0 && labelEnd < key))
        {
            return labelEnd < 0 ? i + 11 : BehindCertificate(i + 11 + labelEnd + 5);
        }

        var rest = i + 11 + key + 11;
        var end = _text[rest..].IndexOf("-----END "u8);
        if (end < 0)
        {
            return Found(i, _text.Length, Sensitive.PrivateKey);
        }

        end += rest + 9;
        var dashes = _text[end..Math.Min(_text.Length, end + LabelMax)].IndexOf("-----"u8);
        return Found(i, dashes < 0 ? end : end + dashes + 5, Sensitive.PrivateKey);
    }

    // The lines of a certificate are as random as secrets. What does not end as one is read on from here.
    private readonly int BehindCertificate(int body)
    {
        var end = body;
        while (end < _text.Length && (IsOfRun(_text[end]) || _text[end] is (byte)'=' or (byte)'\\' or <= (byte)' ') && _text[end] != '-')
        {
            end++;
        }

        return _text[end..].StartsWith("-----END "u8) ? end + 9 : body;
    }

    // header.payload[.signature], both JSON objects: base64url of {"
    private int AtJwt(int i)
    {
        const int PartMin = 8;
        if (i < _jwtSeen || !_text[i..].StartsWith("eyJ"u8))
        {
            return 0;
        }

        var end = i;
        var dots = 0;
        Span<int> dotAt = stackalloc int[5];
        while (end < _text.Length && (IsUrl(_text[end]) || (_text[end] == '.' && dots < 4)))
        {
            if (_text[end] == '.')
            {
                dotAt[dots++] = end;
            }

            end++;
        }

        _jwtSeen = end;
        return dots >= 1 && dotAt[0] - i >= PartMin && (dots > 1 ? dotAt[1] : end) - dotAt[0] > PartMin
            ? Found(i, _text[end - 1] == '.' ? end - 1 : end, Sensitive.Jwt)
            : 0;
    }

    private int AtIban(int i)
    {
        const int LengthMin = 15;
        const int LengthMax = 34;
        if (i + LengthMin > _text.Length || !IsUpper(_text[i]) || !IsUpper(_text[i + 1]) || !IsDigit(_text[i + 2]) || !IsDigit(_text[i + 3]))
        {
            return 0;
        }

        var expected = Iban.LengthOf(_text[i], _text[i + 1]);
        if (expected == 0)
        {
            return 0;
        }

        Span<byte> compact = stackalloc byte[LengthMax];
        var length = 0;
        var end = i;
        while (end < _text.Length && length < expected)
        {
            var c = _text[end];
            if (IsUpper(c) || IsDigit(c))
            {
                compact[length++] = c;
            }
            else if (c is not ((byte)' ' or (byte)'-') || _text[end - 1] is (byte)' ' or (byte)'-')
            {
                return 0;
            }

            end++;
        }

        return length == expected && (end == _text.Length || !IsWord(_text[end])) && Iban.IsValid(compact[..length])
            ? Found(i, end, Sensitive.Iban)
            : 0;
    }

    private int AtCard(int i)
    {
        const int DigitsMax = 19;
        if (i > 0 && IsJoined(_text[i - 1]))
        {
            return 0;
        }

        Span<byte> digits = stackalloc byte[DigitsMax];
        var count = 0;
        var group = 0;
        byte separator = 0;
        var best = 0;
        var end = i;
        while (end < _text.Length)
        {
            var c = _text[end];
            if (IsDigit(c))
            {
                if (count == DigitsMax)
                {
                    return best > 0 ? Found(i, best, Sensitive.Card) : 0;
                }

                digits[count++] = c;
                group++;
                end++;
                if ((end == _text.Length || !IsWord(_text[end])) && group >= 3 && !IsFraction(end) && PaymentCard.IsValid(digits[..count]))
                {
                    best = end;
                }
            }
            else if (c is (byte)' ' or (byte)'-' && (separator == 0 || separator == c) && group is >= 3 and <= 6)
            {
                separator = c;
                group = 0;
                end++;
            }
            else
            {
                break;
            }
        }

        return best > 0 ? Found(i, best, Sensitive.Card) : 0;
    }

    // 4111.5 goes on, 4111. does not.
    private readonly bool IsFraction(int end) => end + 1 < _text.Length && _text[end] == '.' && IsDigit(_text[end + 1]);

    private int AtPhone(int i)
    {
        const int DigitsMax = 15;
        if (i > 0 && (IsWord(_text[i - 1]) || (_text[i] != '+' && IsJoined(_text[i - 1])) || (i > 1 && _text[i - 1] == ' ' && IsDigit(_text[i - 2]))))
        {
            return i + 1;
        }

        Span<byte> digits = stackalloc byte[DigitsMax];
        Span<byte> groups = stackalloc byte[DigitsMax + 1];
        var (count, group) = (0, 0);
        var isInternational = _text[i] == '+';
        var hasArea = false;
        var isDotted = true;
        var isSpaced = false;
        var lastDigit = i;
        var end = isInternational ? i + 1 : i;
        for (; end < _text.Length; end++)
        {
            var c = _text[end];
            if (IsDigit(c))
            {
                if (count == DigitsMax)
                {
                    return i + 1;
                }

                digits[count++] = c;
                groups[group]++;
                isDotted &= !isSpaced;
                lastDigit = end;
            }
            else if (c is (byte)'(' && (count <= 4 || group == 0) && !hasArea)
            {
                hasArea = true;
                Next(ref group, groups);
            }
            else if (c is (byte)')' && hasArea)
            {
                Next(ref group, groups);
            }
            else if (c is (byte)' ' or (byte)'-' or (byte)'.' or (byte)'/' && count > 0 && (_text[end - 1] is (byte)')' || IsDigit(_text[end - 1])))
            {
                isSpaced = c is not ((byte)'-' or (byte)'.');
                Next(ref group, groups);
            }
            else
            {
                break;
            }
        }

        end = lastDigit + 1;
        if (count == 0 || (end < _text.Length && IsWord(_text[end])) || IsFraction(end))
        {
            return i + 1;
        }

        var used = groups[group] == 0 ? group : group + 1;
        var isPhone = isInternational ? Phone.IsInternational(digits[..count], groups[..used])
            : Phone.IsNorthAmerican(digits[..count], groups[..used], hasArea, isDotted)
            || Phone.IsInternationalByZeros(digits[..count])
            || (count >= 7 && (_isPhone || IsSaidToBePhone(i)) && !Phone.IsDate(groups[..used]));
        return isPhone ? Found(i, end, Sensitive.Phone) : i + 1;

        static void Next(ref int group, Span<byte> groups) => group += groups[group] > 0 ? 1 : 0;
    }

    private readonly bool IsSaidToBePhone(int i)
    {
        const int Back = 20;
        Span<byte> before = stackalloc byte[Back];
        var source = _text[Math.Max(0, i - Back)..i];
        for (var at = 0; at < source.Length; at++)
        {
            before[at] = (byte)(source[at] | 0x20);
        }

        var text = before[..source.Length];
        return text.IndexOf("phone"u8) >= 0 || text.IndexOf("mobile"u8) >= 0 || text.IndexOf("tel:"u8) >= 0 || text.IndexOf("telefon"u8) >= 0
            || text.IndexOf("tel."u8) >= 0 || text.IndexOf("whatsapp"u8) >= 0 || text.IndexOf("call me"u8) >= 0 || text.IndexOf("fax"u8) >= 0;
    }

    // scheme://user:password@host
    private int AtUrl(int i)
    {
        const int UserInfoMax = 256;
        if (!_text[i..].StartsWith("://"u8))
        {
            return i + 1;
        }

        var colon = -1;
        var end = Math.Min(_text.Length, i + 3 + UserInfoMax);
        for (var at = i + 3; at < end; at++)
        {
            switch (_text[at])
            {
                case (byte)':' when colon < 0:
                    colon = at;
                    break;
                case (byte)'@' when colon > 0 && at > colon + 1 && !IsPlaceholder(colon + 1):
                    return Found(colon + 1, at, Sensitive.Secret);
                case (byte)'/' or (byte)'?' or (byte)'#' or <= (byte)' ' or (byte)'"' or (byte)'\'' or (byte)'<' or (byte)'\\':
                    return i + 3;
            }
        }

        return i + 3;
    }

    /// <summary>A picture, a signature of a model's thought, a digest: as random as a secret, and none. 0: nothing of the kind.</summary>
    private int AtEncoded(int i)
    {
        // Longer than any key that is written without a break; shorter ones may be a key in base64.
        const int DataMin = 256;

        // sha256- and 43 characters.
        const int DigestMin = 50;
        if (i < _encodedSeen)
        {
            return 0;
        }

        FindRun(i);
        _encodedSeen = _contentEnd;
        var run = _text[i.._contentEnd];
        var isDigest = run.StartsWith("sha256-"u8) || run.StartsWith("sha384-"u8) || run.StartsWith("sha512-"u8);
        var isData = run.Length > DataMin && Randomness.IsRandom(run) && KnownKey.LengthIn(run) == 0;
        return isData || (isDigest && run.Length >= DigestMin) ? _runEnd : 0;
    }

    // Once for each: it may be as long as the text, and have a thousand secrets in it. Of name=value each is one.
    private void FindRun(int i)
    {
        if (i < _contentEnd)
        {
            return;
        }

        _contentEnd = i;
        while (_contentEnd < _text.Length && IsOfRun(_text[_contentEnd]))
        {
            _contentEnd++;
        }

        _runEnd = _contentEnd;
        while (_runEnd < _text.Length && _text[_runEnd] == '=')
        {
            _runEnd++;
        }

        _runEnd = _runEnd < _text.Length && IsOfRun(_text[_runEnd]) ? _contentEnd : _runEnd;
    }

    private static bool IsOfRun(byte value) => IsUrl(value) || value is (byte)'+' or (byte)'/';

    /// <summary>A run of characters too random to be words: 32 at least, or less where its prefix says what it is.</summary>
    private int AtRandom(int i)
    {
        if (i < _randomSeen)
        {
            return 0;
        }

        FindRun(i);
        var isPath = i > 0 && _text[i - 1] is (byte)'.' or (byte)'/';
        var run = _text[i.._contentEnd];
        var found = !isPath && IsKeyWithSlash(run, _runEnd - i) ? Found(i, _runEnd, Sensitive.Secret) : AtRandomPiece(i, run);
        _randomSeen = found > 0 ? found : _contentEnd;
        return found;
    }

    // A path is judged piece by piece; a key with a slash in it is of one piece, and has the length of one.
    private static bool IsKeyWithSlash(ReadOnlySpan<byte> content, int lengthWithFiller) =>
        lengthWithFiller is 40 or 44 or 64 or 88 && content.IndexOf((byte)'/') is >= 0 and var slash
        && Randomness.IsRandom(content) && Randomness.IsOfOnePiece(content) && !Randomness.IsId(content[(slash + 1)..]);

    private int AtRandomPiece(int start, ReadOnlySpan<byte> content)
    {
        const int LengthMin = 32;

        // Longer is data, such as a picture.
        const int LengthMax = 256;
        for (var at = 0; at < content.Length;)
        {
            var slash = content[at..].IndexOf((byte)'/');
            var length = slash < 0 ? content.Length - at : slash;
            if (length is >= LengthMin and <= LengthMax && Randomness.IsSecret(content.Slice(at, length)))
            {
                // What stands before the piece in this run was looked at for nothing else yet; nothing known begins in it but words.
                return Found(start + at, slash < 0 ? _runEnd : start + at + length, Sensitive.Secret);
            }

            at += length + 1;
        }

        return 0;
    }

    /// <summary><c>Bearer …</c>, <c>password=…</c>, <c>"api_key": "…"</c>, also with their quotes escaped.</summary>
    private int AtWordOfSecrets(int i)
    {
        const int NameMax = 40;
        var end = i;
        while (end < _text.Length && end - i <= NameMax && (IsWord(_text[end]) || _text[end] is (byte)'_' or (byte)'-'))
        {
            end++;
        }

        if (end - i > NameMax)
        {
            return 0;
        }

        var name = _text[i..end];
        if (end < _text.Length && _text[end] == ' ' && IsScheme(name, out var isBasic))
        {
            var token = end + 1;
            var tokenEnd = TokenEnd(token);
            var text = _text[token..tokenEnd];
            return text.Length >= 8 && (text.ContainsAnyInRange((byte)'0', (byte)'9') || (isBasic && text[^1] == '='))
                ? Found(token, tokenEnd, Sensitive.Token)
                : 0;
        }

        return IsAssigned(end) && SensitiveKeys.KindOf(name) == Sensitive.Secret ? AtAssigned(end, name) : 0;
    }

    // Asked before anything that takes longer: few words are followed so.
    private readonly bool IsAssigned(int end)
    {
        const int DecorationMax = 4;
        for (var at = end; at < _text.Length && at - end < DecorationMax; at++)
        {
            switch (_text[at])
            {
                case (byte)':' or (byte)'=':
                    return true;
                case (byte)' ' or (byte)'"' or (byte)'\'' or (byte)'`' or (byte)'\\':
                    continue;
                default:
                    return false;
            }
        }

        return false;
    }

    private static bool IsScheme(ReadOnlySpan<byte> name, out bool isBasic)
    {
        isBasic = name.SequenceEqual("Basic"u8) || name.SequenceEqual("basic"u8);
        return isBasic || name.SequenceEqual("Bearer"u8) || name.SequenceEqual("bearer"u8) || name.SequenceEqual("BEARER"u8);
    }

    private int AtAssigned(int end, ReadOnlySpan<byte> name)
    {
        const int DecorationMax = 8;
        const int ValueMin = 4;
        const int PlainMin = 8;
        const int LookedAtMax = 256;
        var value = end;
        var isAssigned = false;
        var isEquals = false;
        var isQuoted = false;
        while (value < _text.Length && value - end < DecorationMax)
        {
            var c = _text[value];
            if (c is (byte)':' or (byte)'=' && !isAssigned)
            {
                isAssigned = true;
                isEquals = c == '=';
            }
            else if (c is (byte)'"' or (byte)'\'' or (byte)'`')
            {
                isQuoted = isAssigned;
            }
            else if (c is not ((byte)' ' or (byte)'\\' or (byte)'>'))
            {
                break;
            }

            value++;
        }

        if (!isAssigned || value >= _text.Length || IsPlaceholder(value))
        {
            return 0;
        }

        var valueEnd = value;
        while (valueEnd < _text.Length && valueEnd - value < LookedAtMax && IsOfValue(_text[valueEnd]))
        {
            valueEnd++;
        }

        // "Authorization: Bearer …": the word is looked at in its turn.
        var text = _text[value..valueEnd];
        if (IsScheme(text, out _) || text.SequenceEqual("null"u8) || text.SequenceEqual("true"u8) || text.SequenceEqual("false"u8) || text.SequenceEqual("None"u8) || text.SequenceEqual("undefined"u8))
        {
            return 0;
        }

        // In prose a colon follows the word as well: "Token: the smallest unit".
        var isPlain = !isQuoted && !isEquals;
        var isTaken = isPlain
            ? (text.Length >= PlainMin && text.ContainsAnyInRange((byte)'0', (byte)'9')) || (text.Length >= ValueMin && IsPassword(name))
            : text.Length >= ValueMin;
        while (isTaken && valueEnd < _text.Length && IsOfValue(_text[valueEnd]))
        {
            valueEnd++;
        }

        return isTaken ? Found(value, valueEnd, Sensitive.Secret) : 0;
    }

    private static bool IsOfValue(byte value) =>
        value is > (byte)' ' and not ((byte)'"' or (byte)'\'' or (byte)'`' or (byte)',' or (byte)';' or (byte)'&' or (byte)'\\' or (byte)'<' or (byte)'}' or (byte)')');

    private static bool IsPassword(ReadOnlySpan<byte> name) => name.Length is >= 3 and <= 10 && (name[0] | 0x20) == 'p' && (name[1] | 0x20) is 'a' or 'w';

    /// <summary><c>[email]</c>, <c>[email:5f…]</c>, <c>${VARIABLE}</c>, <c>&lt;your key&gt;</c>, <c>***</c>: nothing to hide.</summary>
    private readonly bool IsPlaceholder(int at) => _text[at] is (byte)'[' or (byte)'{' or (byte)'<' or (byte)'*' or (byte)'$' or (byte)'%';

    private readonly int TokenEnd(int start)
    {
        var end = start;
        while (end < _text.Length && (IsOfRun(_text[end]) || _text[end] is (byte)'.' or (byte)'=' or (byte)'~' or (byte)'|' || (_text[end] == ':' && end + 1 < _text.Length && IsOfRun(_text[end + 1]))))
        {
            end++;
        }

        return end > start && _text[end - 1] == '.' ? end - 1 : end;
    }

    // 8-4-4-4-12
    private readonly bool IsUuid(int i)
    {
        if (i + 36 > _text.Length || _text[i + 8] != '-' || _text[i + 13] != '-' || _text[i + 18] != '-' || _text[i + 23] != '-')
        {
            return false;
        }

        for (var at = i; at < i + 36; at++)
        {
            if (_text[at] != '-' && !char.IsAsciiHexDigit((char)_text[at]))
            {
                return false;
            }
        }

        return i + 36 == _text.Length || !IsWord(_text[i + 36]);
    }

    private int Found(int start, int end, Sensitive kind)
    {
        // An earlier finding may reach into this one: the piece before it is in that one already.
        start = Math.Max(start, _end);
        if (end > start)
        {
            _findings.Add(new Finding(start, end - start, kind));
            _end = end;
        }

        return Math.Max(end, 1);
    }

    /// <summary>A digit behind one of these belongs to something longer: a fraction, a path, an id.</summary>
    private static bool IsJoined(byte before) => before is (byte)'.' or (byte)'_' or (byte)'/' or (byte)'#' or (byte)'$' or (byte)'-';

    private static bool IsHex(ReadOnlySpan<byte> text)
    {
        foreach (var value in text)
        {
            if (!char.IsAsciiHexDigit((char)value))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsWord(byte value) => char.IsAsciiLetterOrDigit((char)value);

    private static bool IsUrl(byte value) => char.IsAsciiLetterOrDigit((char)value) || value is (byte)'-' or (byte)'_';

    private static bool IsLetter(byte value) => char.IsAsciiLetter((char)value);

    private static bool IsUpper(byte value) => char.IsAsciiLetterUpper((char)value);

    private static bool IsDigit(byte value) => char.IsAsciiDigit((char)value);
}
