/*
 * What of a page cannot be seen or touched, measured on the page itself; see `looks.py`.
 *
 * asked: {name: of this look; focus, touch: whether to measure that as well; paper: whether it is printed, without what
 * is behind letters; seen: kinds of focused things that were measured already}.
 * Returned: {wrong: one line each, seen: with the kinds that were measured now}.
 */
asked => {
    const PRESSED = 'a[href], button, input:not([type=hidden]), select, textarea, summary'
    const TEXT = 4.5, CONTROL = 3, TAP = 43.5
    const wrong = [], styles = new Map()
    const css = (node, pseudo = '') => {
        const of = styles.get(node) || styles.set(node, {}).get(node)
        return of[pseudo] ||= getComputedStyle(node, pseudo || null)
    }
    const said = node => node.cloneNode().outerHTML.slice(0, 110) + ' ' + node.textContent.trim().slice(0, 30)
    const complain = (what, node) => wrong.push(`${what}: ${said(node)}`)

    /* ---- colours: red, green, blue and how opaque, each from 0 to 1 ---- */
    const colour = text => {
        const parts = text.match(/-?[\d.]+(?:e-?\d+)?/g)?.map(Number)
        if (!parts || !/^(rgba?|color\(srgb )/.test(text)) throw new Error(`a colour that is not understood: ${text}`)
        const [red, green, blue, opaque = 1] = parts
        return text.startsWith('rgb') ? [red / 255, green / 255, blue / 255, opaque] : [red, green, blue, opaque]
    }
    const mixed = (top, bottom, share) => [0, 1, 2].map(at => top[at] * share + bottom[at] * (1 - share))
    const over = (top, bottom) => mixed(top, bottom, top[3])
    const luminance = ([red, green, blue]) => {
        const part = each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4
        return 0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue)
    }
    const contrast = (one, other) => {
        const [darker, brighter] = [luminance(one), luminance(other)].sort((a, b) => a - b)
        return (brighter + 0.05) / (darker + 0.05)
    }
    const chain = node => {
        const found = []
        for (let each = node; each; each = each.parentElement) found.unshift(each)
        return found
    }
    /* What is seen where something is painted in, or nothing on, an element: through all that it stands on. */
    const painted = (node, on = null) => {
        const nodes = chain(node)
        const go = (at, back) => {
            if (at === nodes.length) return on ? over(on, back) : back
            const style = css(nodes[at]), share = Number(style.opacity)
            const ground = asked.paper ? back : over(colour(style.backgroundColor), back)
            const result = go(at + 1, ground)
            return share < 1 ? mixed(result, back, share) : result
        }
        return go(0, [1, 1, 1])
    }
    const shown = node => {
        if (!node.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false
        return !node.closest('.vh, .sr, .skip') && !chain(node).some(each => css(each).clipPath === 'inset(50%)')
    }
    const off = node => node.closest(':disabled, [aria-disabled=true], label:has(:disabled)')
    const enough = (what, node, one, other, least) => {
        const value = contrast(one, other)
        if (value < least) complain(`${what} ${value.toFixed(2)}`, node)
    }

    /* ---- text ---- */
    const measureTexts = () => {
        const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), done = new Set()
        while (texts.nextNode()) {
            const node = texts.currentNode.parentElement
            if (!texts.currentNode.data.trim() || done.has(node)) continue
            done.add(node)
            if (node.closest('script, style, option, title, noscript') || !shown(node) || off(node)) continue
            if (node.closest('svg')) measureDrawn(node)
            else enough('text', node, painted(node, colour(css(node).color)), painted(node), TEXT)
        }
        for (const node of document.body.querySelectorAll('*')) {
            for (const pseudo of ['::before', '::after']) {
                const style = css(node, pseudo)
                if (!/"[^"]+"|counter/.test(style.content) || !shown(node)) continue
                const ground = over(colour(style.backgroundColor), painted(node))
                enough(`text ${pseudo}`, node, over(colour(style.color), ground), ground, TEXT)
            }
        }
        for (const node of document.querySelectorAll('input:not([type=hidden]), textarea')) {
            if (!node.placeholder || !shown(node) || off(node)) continue
            const style = css(node, '::placeholder'), share = Number(style.opacity)
            const [red, green, blue, opaque] = colour(style.color)
            enough('placeholder', node, painted(node, [red, green, blue, opaque * share]), painted(node), TEXT)
        }
        for (const node of document.querySelectorAll('input:not([type=hidden], [type=checkbox], [type=radio], [type=range]), textarea, select')) {
            if (shown(node) && !off(node)) enough('text', node, painted(node, colour(css(node).color)), painted(node), TEXT)
        }
    }
    /* A text in a drawing stands on what is drawn below it. */
    const measureDrawn = node => {
        node.scrollIntoView({ block: 'center' })
        const box = node.getBoundingClientRect(), layers = []
        const below = document.elementsFromPoint(box.x + box.width / 2, box.y + box.height / 2)
        const svg = node.closest('svg')
        for (const each of below.slice(below.indexOf(node) + 1)) {
            if (each === svg || !svg.contains(each)) break
            if (css(each).fill !== 'none' && each.tagName !== 'text') layers.unshift(colour(css(each).fill))
        }
        const ground = layers.reduce((back, layer) => over(layer, back), painted(svg))
        enough('drawn text', node, over(colour(css(node).fill), ground), ground, TEXT)
    }

    /* ---- what is no text ---- */
    const edge = node => {
        const outside = painted(node.parentElement), values = [contrast(painted(node), outside)]
        for (const side of ['Top', 'Right', 'Bottom', 'Left']) {
            const style = css(node)
            if (style[`border${side}Style`] === 'none' || !parseFloat(style[`border${side}Width`])) continue
            values.push(contrast(painted(node, colour(style[`border${side}Color`])), outside))
        }
        return Math.max(...values)
    }
    const measureControls = () => {
        for (const node of document.querySelectorAll('input:not([type=hidden]), textarea, select')) {
            if (off(node)) continue
            const box = css(node).opacity === '0' ? node.nextElementSibling : node
            if (!box || !shown(box)) continue
            if (node.type === 'range') {
                enough('slider', node, colour(css(node).accentColor), painted(node), CONTROL)
                continue
            }
            if (edge(box) < CONTROL) complain(`edge of a control ${edge(box).toFixed(2)}`, box)
            const mark = css(node, '::before')
            if (box === node && mark.content !== 'none')
                enough('mark of a control', node, over(colour(mark.backgroundColor), painted(node)), painted(node), CONTROL)
        }
        for (const node of document.querySelectorAll('.implied')) {
            const mark = css(node, '::before').backgroundColor
            if (shown(node)) enough('implied tick', node, over(colour(mark), painted(node)), painted(node), CONTROL)
        }
        for (const node of document.querySelectorAll('svg.i')) {
            if (!shown(node) || off(node)) continue
            // Some stand on what is drawn before the element that they are in.
            const disc = css(node.parentElement, '::before'), box = boxOf(node.parentElement, '::before')
            const its = node.getBoundingClientRect(), within = disc.content !== 'none' && disc.position === 'absolute'
                && box.left <= its.left && its.right <= box.right && box.top <= its.top && its.bottom <= box.bottom
            const ground = within ? over(colour(disc.backgroundColor), painted(node)) : painted(node)
            enough('drawing', node, over(colour(css(node).stroke), ground), ground, CONTROL)
        }
        for (const node of document.querySelectorAll('a[href], button, summary')) {
            if (!shown(node) || off(node) || node.innerText?.trim() || node.querySelector('svg, img')) continue
            if (edge(node) < CONTROL) complain('a control of no text and no drawing', node)
        }
        for (const node of document.querySelectorAll('[aria-current]')) {
            const others = [...node.parentElement.parentElement.querySelectorAll(node.tagName)]
            const other = others.find(each => !each.hasAttribute('aria-current') && shown(each))
            if (!other || !shown(node)) continue
            const [one, its] = [css(node), css(other)]
            const told = Number(one.fontWeight) - Number(its.fontWeight) >= 100
                || one.textDecorationLine !== its.textDecorationLine || edge(node) >= CONTROL
            if (!told) complain('chosen, and told by a faint colour alone', node)
        }
    }

    /* ---- focus ---- */
    const kind = node => [asked.name, ...chain(node).slice(-4).map(each =>
        `${each.tagName}.${each.getAttribute('class') || ''}.${each.type || ''}`)].join(' ')
    /* The box that something behind or before a node has, which is laid out within the nearest that is positioned. */
    const boxOf = (node, pseudo) => {
        if (!pseudo) return node.getBoundingClientRect()
        const style = css(node, pseudo)
        if (style.content === 'none' || style.position !== 'absolute') return node.getBoundingClientRect()
        const within = css(node).position === 'static' ? node.offsetParent : node
        const box = within.getBoundingClientRect(), size = side => parseFloat(style[side]) || 0
        const moved = style.translate === 'none' ? [0, 0] : style.translate.split(' ').map(each => parseFloat(each) / 100)
        return new DOMRect(box.x + size('left') + size('width') * moved[0],
            box.y + size('top') + size('height') * (moved[1] || 0), size('width'), size('height'))
    }
    /* How much of a ring around a box is cut off at each side by what it is in. */
    const cutOff = (node, box, reach) => {
        const ring = { left: box.left - reach, top: box.top - reach, right: box.right + reach, bottom: box.bottom + reach }
        const cuts = { left: 0, top: 0, right: 0, bottom: 0 }
        const within = (left, top, right, bottom) => {
            cuts.left = Math.max(cuts.left, left - ring.left)
            cuts.top = Math.max(cuts.top, top - ring.top)
            cuts.right = Math.max(cuts.right, ring.right - right)
            cuts.bottom = Math.max(cuts.bottom, ring.bottom - bottom)
        }
        let fixed = false
        for (let each = node; each; each = each.parentElement) {
            const style = css(each)
            if (each !== node && each !== document.body && style.overflowX !== 'visible' && style.display !== 'contents') {
                const around = each.getBoundingClientRect(), scrolls = style.overflowX !== 'clip'
                const left = around.left + each.clientLeft - (scrolls ? each.scrollLeft : 0)
                const top = around.top + each.clientTop - (scrolls ? each.scrollTop : 0)
                within(left, top, left + (scrolls ? each.scrollWidth : each.clientWidth),
                    top + (scrolls ? each.scrollHeight : each.clientHeight))
                // What can be scrolled to is seen; the browser does that when somebody comes to it by a key.
                if (scrolls) return Object.values(cuts)
            }
            if (style.position === 'fixed') { fixed = true; break }
        }
        const page = document.documentElement
        if (fixed) within(0, 0, page.clientWidth, innerHeight)
        else within(-scrollX, -scrollY, page.clientWidth - scrollX, page.scrollHeight - scrollY)
        return Object.values(cuts)
    }
    const measureFocus = () => {
        const seen = new Set(asked.seen)
        for (const node of document.querySelectorAll(PRESSED)) {
            if (!node.checkVisibility() || node.disabled || seen.has(kind(node))) continue
            node.focus({ preventScroll: true, focusVisible: true })
            if (document.activeElement !== node) continue
            seen.add(kind(node))
            styles.clear()
            const near = [[node, ''], [node.nextElementSibling, ''], [node, '::after']].filter(([each]) => each)
            const found = near.find(([each, pseudo]) => {
                const style = css(each, pseudo)
                return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2
            })
            if (!found) { complain('no ring where the focus is', node); continue }
            const [each, pseudo] = found, style = css(each, pseudo)
            const wide = parseFloat(style.outlineWidth), offset = parseFloat(style.outlineOffset)
            const ground = painted(offset < 0 && !pseudo ? each : each.parentElement)
            enough('ring', node, over(colour(style.outlineColor), ground), ground, CONTROL)
            if (css(node).clipPath === 'inset(50%)') complain('nothing seen of what has the focus', node)
            const hidden = cutOff(each, boxOf(each, pseudo), offset + wide)
            if (wide - Math.max(...hidden) < 2 && !node.matches('.skip'))
                complain(`ring cut off by ${hidden.map(side => side.toFixed(1))}`, node)
        }
        document.activeElement.blur()
        styles.clear()
        return [...seen]
    }

    /* ---- touch ---- */
    /* A link in running text is as high as its line (WCAG 2.5.8, "inline"): it is laid out within a line, and the
       same block has words in its lines that are no part of a link. */
    const blockOf = node => css(node).display === 'inline' ? blockOf(node.parentElement) : node
    const inline = node => {
        if (css(node).display !== 'inline') return false
        const block = blockOf(node), texts = document.createTreeWalker(block, NodeFilter.SHOW_TEXT)
        while (texts.nextNode()) {
            const within = texts.currentNode.parentElement
            const isWord = /[\p{L}\p{N}]/u.test(texts.currentNode.data)
            if (isWord && !within.closest(PRESSED) && blockOf(within) === block && shown(within)) return true
        }
        return false
    }
    /* Another link to the same place may be the larger one (WCAG 2.5.8, "equivalent"). */
    const measureTouch = () => {
        const all = [...document.querySelectorAll(PRESSED)].filter(node =>
            node.checkVisibility({ visibilityProperty: true }) && !node.matches('.skip, .vh, [tabindex="-1"]'))
        const targets = all.map(node => {
            const ticked = ['checkbox', 'radio', 'file'].includes(node.type) ? [...node.labels] : []
            return [node, [boxOf(node, ''), boxOf(node, '::after'), ...ticked.map(each => boxOf(each, ''))]]
        })
        const large = targets.filter(([, boxes]) => boxes.some(box => box.width >= TAP && box.height >= TAP))
        const places = new Set(large.map(([node]) => node.href).filter(Boolean)), enough = new Set(large.map(([node]) => node))
        for (const [node, boxes] of targets) {
            if (enough.has(node) || places.has(node.href) || inline(node)) continue
            const best = boxes.sort((one, other) => other.width * other.height - one.width * one.height)[0]
            complain(`too small to touch, ${Math.round(best.width)} x ${Math.round(best.height)}`, node)
        }
    }

    measureTexts()
    if (!asked.paper) measureControls()
    if (asked.touch) measureTouch()
    return { seen: asked.focus ? measureFocus() : asked.seen, wrong }
}
