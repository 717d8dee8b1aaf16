"""Spanish."""

PHRASES = {
    "discount": """
        descuento* | % de descuento | % menos | % dto | rebaja* | rebajado* | oferta* | promoción | promociones |
        promo | código promocional | cupón | cupones | ahorra | ahorre | ahorro | gratis | gratuito* | sin coste |
        regalo* | envío gratis | mitad de precio | dos por uno | precio especial | desde # | en lugar de | liquidación
        | chollo* | outlet | bono | por solo | por sólo | desde # € | por persona | primer mes | primeros clientes |
        es gratis | le regalamos | te regalamos | por el precio de | menos de luz
    """,
    "urgency": """
        solo hoy | sólo hoy | hasta medianoche | última oportunidad | últimos días | últimas horas | últimas plazas |
        últimas unidades | no te lo pierdas | no se lo pierda | hasta agotar | agotar existencias | tiempo limitado |
        plazas limitadas | date prisa | termina hoy | este fin de semana | hasta el domingo | antes del domingo |
        antes del viernes | si contrata | si firma | si compra | solo esta semana | quedan pocas | quedan # | acaba |
        los diez primeros | diez primeros | para los primeros
    """,
    "buy": """
        compra ahora | comprar ahora | compra ya | compre | comprar | cómpralo | pide ya | pídelo | aprovecha |
        aprovéchalo | aproveche | consigue | descubre | descubra | ver oferta* | ver ofertas | reserva tu | reserve |
        resérvalo | regístrate | inscríbete | inscríbase | apúntate | suscríbete | prueba gratis | pruébalo | empieza
        | contrata | ir a la tienda | tienda | con el código | usa el código | más información | únete | canjea |
        llévate | haz clic | llame ahora | llámenos | escápate | reserva antes | confirme hoy | contrate | prueba tres
        | ven a probar
    """,
    "prospect": """
        te espera | te esperan | reservado para | seleccionado* | elegido | ha ganado | has ganado | sorteo | premio*
        | felicidades | tu carrito | su carrito | carrito | aún no | todavía no | si te interesa | si le interesa |
        interesado* | pendiente de contratar | antes de irte | apartado para | no está protegido | le hemos reservado
        | puede pagar | paga demasiado | pendiente de su confirmación
    """,
    "launch": """
        nueva colección | novedad* | novedades | nuestro nuevo | nuestra nueva | nuestros nuevos | ya disponible | ya
        está aquí | acaba de llegar | recién llegado* | presentamos | lanzamiento | lanzamos | estrenamos | exclusiv*
        | inauguración | apertura | preventa
    """,
    "pitch": """
        ayudamos a | le ayudamos | te ayudamos | ayudo a | nuestra solución | nuestro software | nuestra plataforma |
        nuestro servicio | nuestros servicios | nuestro equipo | nuestros clientes | nuestros asesores | clientes como
        | empresas como | negocios como | como la suya | como el suyo | su empresa | su negocio | su tienda | su
        restaurante | tu negocio | he visto | vi que | he notado | me llamo | mi nombre es | le escribo | les escribo
        | le contacto | me pongo en contacto | ofrecemos | somos especialistas | especialista* | líder* | caso de
        éxito | duplicar | duplicó | aumentar | reducir | ahorrar tiempo | más clientes | más ventas | sin compromiso
        | sin permanencia | presupuesto gratis | colaboración | colaborar | inversión | rentabilidad | crédito |
        préstamo | posicionamiento | la mayoría de | imagina | imagine | sabía que | catálogo | muestra* |
        demostración | su clínica | clínicas como | su factura | estudiamos su | placas solares | nuestro asesor |
        reducir las | una idea para
    """,
    "ask": """
        # minutos | quince minutos | diez minutos | veinte minutos | una llamada | llamarle | llamarte | llamada |
        breve reunión | una reunión | tiene un momento | tienes un momento | le viene bien | te viene bien |
        disponible | hablamos | hablar | podemos hablar | puedo | podría | una demo | mostrarle | enseñarle |
        enseñarte | presentarle | la próxima semana | mañana | qué le parece | qué te parece | le parece | agendar |
        café | visítanos | visítenos | cuándo le puedo | le puedo llamar | le llamará | le llame
    """,
    "chase": """
        mi correo anterior | mi mensaje anterior | mi último | le escribí | te escribí | vuelvo a escribir | retomo |
        seguimiento | pudo ver | ha podido | has podido | no he recibido | sin noticias | último intento | una última
        vez | sigue interesado | por si no vio
    """,
    "newsletter": """
        boletín | newsletter | número | esta semana | este mes | en este número | leer más | sigue leyendo | seguir
        leyendo | artículo* | noticias | blog | podcast | episodio | consejos | trucos | receta* | tendencias |
        inspiración | queridos lectores | edición | resumen | semanal | mensual | buena lectura | en el huerto | en la
        cocina | una receta | una entrevista
    """,
    "event": """
        invitación | te invitamos | le invitamos | invitamos | invitado* | feria | stand | webinar* | conferencia |
        congreso | taller* | jornada* | puertas abiertas | concierto | festival | cata | inscripción | inscripciones |
        plazas | ponentes | ven a | te esperamos | les esperamos | acompáñanos
    """,
    "survey": """
        encuesta | cuestionario | tu opinión | su opinión | valora* | valoración | puntúa | recomendaría* |
        recomendarías | satisfacción | satisfecho* | unos minutos | # preguntas | preguntas | ayúdanos | cuéntanos
    """,
    "referral": """
        invita a | tus amigos | un amigo | una amiga | amigo* | recomienda | te ha invitado | referido* | trae a
    """,
    "winback": """
        te echamos de menos | le echamos de menos | te extrañamos | vuelve | vuelva | regresa | hace tiempo | cuánto
        tiempo | bienvenido de nuevo | desde tu última | no te vemos
    """,
    "upsell": """
        mejora tu | pásate a | pásate | pase a | cambia a | premium | plan anual | plan superior | versión pro |
        ilimitado* | desbloquea | más espacio | amplía | ampliación de garantía | seguro | accesorios | actualiza tu
        plan
    """,
    "hype": """
        increíble* | espectacular* | único* | única* | perfecto* | perfecta* | mejores | mejor | favorito* |
        irresistible* | exclusivo* | disfruta* | sorpresa | lujo | sueño* | ideal* | maravillos*
    """,
    "bulk": """
        darse de baja | date de baja | dar de baja | cancelar la suscripción | cancelar suscripción | ver en el
        navegador | no deseas recibir | no desea recibir | publicidad
    """,
    "crowd": """
        estimados clientes | queridos clientes | queridos amigos | hola a todos | estimado cliente | estimado
        empresario | queridos vecinos | amantes de
    """,
    "order": """
        tu pedido | su pedido | pedido # | número de pedido | confirmación de pedido | confirmación pedido |
        confirmación del pedido | resumen pedido | resumen del pedido | total pedido | gracias por tu compra | gracias
        por su compra | gracias por tu pedido | gracias por su pedido | tu compra | su compra | su reserva | tu
        reserva | reserva confirmada | entrada* | billete* | cantidad | cancelado* | listo para recoger | recoger
    """,
    "paid": """
        factura* | recibo* | subtotal | total | importe | pagado* | pago | pago recibido | hemos recibido | cobro |
        cobrado | cargo | domiciliación | transferencia | vencimiento | vencida | vence | pendiente de pago | impagad*
        | reembolso | reembolsado | devolución | iva | tarjeta | nómina | extracto | abono | iban
    """,
    "shipping": """
        enviado | ha sido enviado | envío | entrega | entregado* | paquete | seguimiento del envío | número de
        seguimiento | transportista | en camino | reparto | llegará | dirección de envío | mensajero | recogida | su
        pedido ha sido | notificación de envío
    """,
    "security": """
        contraseña | restablecer | restablece | código de verificación | código de seguridad | su código | tu código |
        un solo uso | confirma tu | confirme su | confirmar | verifica tu | verifique | verificación | inicio de
        sesión | iniciar sesión | acceso | dispositivo | bloquead* | desbloque* | si no has | si no ha | no solicitó |
        no solicitaste | solicitado | ignora este | ignore este | caduca | expira | válido | no comparta | seguridad
    """,
    "account": """
        tu cuenta | su cuenta | tus datos | sus datos | su perfil | tu perfil | ha sido modificad* | se ha cambiado |
        ha cambiado | cambiado | actualizado | se ha creado | eliminad* | cancelación | renovación | renueva |
        renovará | términos | condiciones | política de privacidad | cambio de | cambios en | no cambia | a partir del
        | contrato | su contrato | tu plan | tarifa | período de prueba | prueba termina | número de cliente |
        bienvenido | bienvenida | garantía | retirada | registro | suscripción | tu cuenta está lista | entra con |
        completa tu perfil | escríbenos
    """,
    "answer": """
        su solicitud | tu solicitud | su consulta | tu consulta | su pregunta | tu pregunta | como pidió | como
        pediste | como solicitó | según lo acordado | como acordamos | nos pidió | nos preguntó | en respuesta |
        gracias por su mensaje | gracias por escribir | su mensaje | tu mensaje | adjunto | adjunta | adjuntamos | le
        adjunto | presupuesto | presupuesto # | solicitado | lo sentimos | disculpe* | disculpa* | solucionado |
        resuelto | corregido | incidencia | lamentablemente | nos queda | con desayuno | se la reservo
    """,
    "work": """
        reunión | acta | orden del día | compañer* | equipo | oficina | sala | por favor revisa | por favor revise |
        revisar | aprobar | aprobación | puedes | podéis | podrías | borrador | informe | hoja | documento* |
        presupuesto anual | vacaciones | turno* | formación | el cliente | para información | recordatorio | trimestre
        | cifras | firmar | plazo | hola equipo | propietario | la firma | cláusula | te parece bien | firma antes |
        un saludo
    """,
    "system": """
        falló | fallo | error* | mantenimiento | avería | incidencia | interrupción | restablecido | servidor | copia
        de seguridad | completado | alerta | estado
    """,
    "appointment": """
        cita | su cita | tu cita | cita previa | aplazad* | cambio de aula | aula | clase* | curso | escuela | colegio
        | familias | padres | médico | doctor* | dentista | consulta médica | resultados | taller mecánico | técnico |
        tren | vuelo | andén | salida | llegada | habitación | hotel | entrevista | candidatura | vecinos | corte de |
        lunes | martes | miércoles | jueves | horas | hora
    """,
    "people": """
        empleado* | sueldo | salario | nómina | baja médica | contrato de trabajo | tu candidatura | su candidatura |
        puesto | recursos humanos | vacante | proceso de selección
    """,
    "record": """
        conserve | guarde | para su control | referencia | número de | fecha | mensaje automático | automático | no
        responda | no es necesario | si ya ha | justificante | comprobante
    """,
}

# Phrases that honest and selling mail both use: they vote under a name of their own.
AMBIGUOUS = """
    oferta* | descuento* | gratis | gratuito* | regalo* | bono | desde # | en lugar de | cupón | termina hoy | este
    fin de semana | hasta el domingo | tienda | más información | reserve | comprar | únete | descubre | felicidades
    | seleccionado* | aún no | todavía no | carrito | interesado* | novedad* | lanzamiento | apertura | exclusiv* |
    me llamo | mi nombre es | le escribo | les escribo | nuestro equipo | nuestros clientes | nuestro servicio |
    líder* | aumentar | reducir | crédito | inversión | catálogo | colaborar | colaboración | ofrecemos | # minutos
    | diez minutos | quince minutos | mañana | la próxima semana | disponible | hablar | puedo | podría | café |
    seguimiento | número | esta semana | este mes | artículo* | noticias | consejos | resumen | semanal | mensual |
    receta* | edición | boletín | jornada* | inscripción | plazas | taller* | conferencia | invitación | webinar* |
    encuesta | preguntas | # preguntas | su opinión | amigo* | un amigo | vuelve | hace tiempo | premium | seguro |
    ilimitado* | mejor | mejores | único* | perfecto* | disfruta* | publicidad | estimados clientes | hola a todos |
    total | importe | tarjeta | pago | factura* | cargo | recibo* | entrega | envío | paquete | en camino | pedido #
    | su pedido | acceso | válido | seguridad | confirmar | contrato | garantía | su cuenta | tu cuenta | tarifa | a
    partir del | presupuesto | presupuesto # | solicitado | adjunto | equipo | oficina | sala | documento* | horas |
    hora | clase* | tren | hotel | número de | fecha | referencia | estado | compra | antes del viernes | estimado
    cliente | queridos vecinos | sin coste | cita | entrevista | martes | lunes | jueves | por persona | una
    entrevista | aplazad* | un saludo
"""
